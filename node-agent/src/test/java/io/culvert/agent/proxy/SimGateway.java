package io.culvert.agent.proxy;

import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.hbone.Transport;
import io.culvert.agent.hbone.Tunnel;
import io.culvert.agent.hbone.TunnelListener;
import io.culvert.agent.hbone.TunnelStream;
import io.culvert.agent.relay.Relay;
import io.culvert.agent.relay.RelayOwner;
import io.culvert.agent.sim.SimLoop;
import io.culvert.agent.sim.SimSocket;
import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.protocol.hbone.ConnectRequest;
import io.culvert.protocol.hbone.RequestFault;
import io.culvert.protocol.identity.PeerIdentity;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A gateway between networks: what a stream carries goes on to the far end's HBONE port as it is. */
final class SimGateway implements TunnelListener, RelayOwner {
    private final SimLoop loop;
    private final Supplier<SimSocket> dial;

    private SimGateway(SimLoop loop, Supplier<SimSocket> dial) {
        this.loop = loop;
        this.dial = dial;
    }

    /** @param dial connects to the far end */
    static void accept(
            SimLoop loop,
            SimSocket socket,
            Transport.Factory transports,
            TlsMaterial material,
            Tunnel.Terms terms,
            Supplier<SimSocket> dial) {
        SimGateway gateway = new SimGateway(loop, dial);
        Tunnel.server(loop, transports.server(loop, socket, material), terms, gateway)
                .start();
    }

    @Override
    public void onTunnelConnect(TunnelStream stream, ConnectRequest request) {
        stream.accept(null);
        stream.start(new Relay(loop, dial.get(), stream, this));
    }

    @Override
    public void onTunnelOpen(PeerIdentity peer) {}

    @Override
    public void onTunnelMalformed(RequestFault fault) {
        throw new AssertionError(fault);
    }

    @Override
    public void onTunnelFault(BadPeer kind) {
        throw new AssertionError(kind);
    }

    @Override
    public void onTunnelRoom() {}

    @Override
    public void onTunnelClosed(CloseReason reason, @Nullable String detail, @Nullable BadPeer badPeer) {}

    @Override
    public void relayedUp(int count) {}

    @Override
    public void relayedDown(int count) {}

    @Override
    public void relayClosed(CloseReason reason, @Nullable String detail) {}
}
