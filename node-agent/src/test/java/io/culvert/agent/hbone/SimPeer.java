package io.culvert.agent.hbone;

import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.relay.Dialer;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.sim.SimLoop;
import io.culvert.agent.sim.SimNet;
import io.culvert.agent.sim.SimSocket;
import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.protocol.hbone.ConnectRequest;
import io.culvert.protocol.hbone.RequestFault;
import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The other end of a pool: accepts every dial, and every stream as the test says. */
final class SimPeer implements Dialer {
    /** How a dial goes. */
    enum Dials {
        SUCCEED,
        FAIL,
        TIME_OUT,
        /** Connected to somebody who never says a word. */
        SILENCE
    }

    private static final InetSocketAddress HERE = new InetSocketAddress("10.0.0.1", 50_000);

    private final SimLoop loop;
    private final SimNet net;
    private final Transport.Factory transports;
    private final TlsMaterial material;
    private final Tunnel.Terms terms;
    final List<Served> tunnels = new ArrayList<>();
    Dials dials = Dials.SUCCEED;
    int dialled;
    Consumer<TunnelStream> answer = stream -> stream.accept(null);

    SimPeer(SimLoop loop, SimNet net, Transport.Factory transports, TlsMaterial material, Tunnel.Terms terms) {
        this.loop = loop;
        this.net = net;
        this.transports = transports;
        this.material = material;
        this.terms = terms;
    }

    @Override
    public Runnable dial(IpPort target, @Nullable IpAddress source, Listener listener) {
        boolean[] over = new boolean[1];
        dialled++;
        long delay = dials == Dials.TIME_OUT ? 10_000_000_000L : 1_000_000;
        Dials how = dials;
        loop.outside(
                () -> {
                    if (!over[0]) {
                        end(how, target, listener);
                    }
                },
                delay);
        return () -> over[0] = true;
    }

    private void end(Dials how, IpPort target, Listener listener) {
        if (how == Dials.FAIL || how == Dials.TIME_OUT) {
            listener.onDialFailed(how == Dials.TIME_OUT, "connect to " + target);
            return;
        }
        SimSocket[] pair = net.connect(HERE, new InetSocketAddress(target.ip().toString(), target.port()));
        if (how == Dials.SUCCEED) {
            Served served = new Served(target, pair[1]);
            tunnels.add(served);
            served.tunnel.start();
        }
        listener.onConnected(pair[0]);
    }

    /** One tunnel as this end sees it. */
    final class Served implements TunnelListener {
        final IpPort target;
        final Tunnel tunnel;
        final List<TunnelStream> streams = new ArrayList<>();

        @Nullable
        CloseReason closed;

        private Served(IpPort target, RelaySocket socket) {
            this.target = target;
            this.tunnel = Tunnel.server(loop, transports.server(loop, socket, material), terms, this);
        }

        @Override
        public void onTunnelOpen(PeerIdentity peer) {}

        @Override
        public void onTunnelConnect(TunnelStream stream, ConnectRequest request) {
            streams.add(stream);
            answer.accept(stream);
        }

        @Override
        public void onTunnelMalformed(RequestFault fault) {}

        @Override
        public void onTunnelFault(BadPeer kind) {}

        @Override
        public void onTunnelRoom() {}

        @Override
        public void onTunnelClosed(CloseReason reason, @Nullable String detail, @Nullable BadPeer badPeer) {
            closed = reason;
        }
    }
}
