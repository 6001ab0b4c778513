package io.culvert.agent.contract;

import io.culvert.agent.base.DataLoop;
import io.culvert.agent.base.Loop;
import io.culvert.agent.relay.Relay;
import io.culvert.agent.relay.SocketPeer;
import io.culvert.agent.relay.TcpSocket;
import io.culvert.protocol.net.IpPort;
import java.util.List;
import java.util.function.UnaryOperator;

/** From socket to socket, on one loop. */
final class SocketPath implements RelayPath {
    private final RealNet net;
    private final UnaryOperator<Loop> seen;

    SocketPath(RealNet net) {
        this(net, UnaryOperator.identity());
    }

    /** @param seen the loop as the relay sees it */
    SocketPath(RealNet net, UnaryOperator<Loop> seen) {
        this.net = net;
        this.seen = seen;
    }

    @Override
    public List<Outcome> relay(int fd, IpPort target) {
        DataLoop loop = net.loop(0);
        Outcome outcome = new Outcome();
        return net.on(loop, () -> {
            TcpSocket app = TcpSocket.adopt(loop, fd);
            net.dial(loop, target, socket -> {
                SocketPeer peer = new SocketPeer(seen.apply(loop), socket);
                peer.start(new Relay(seen.apply(loop), app, peer, outcome));
            });
            return List.of(outcome);
        });
    }

    @Override
    public long waitingBytesMax() {
        // Each direction stops reading once one read's worth waits, and may have read another by then.
        return 4L * Loop.READ_BYTES_MAX;
    }

    @Override
    public void close() {
        // There is nothing beside the connections.
    }
}
