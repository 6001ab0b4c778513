package io.culvert.agent.proxy;

import io.culvert.agent.hbone.TunnelStream;
import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.route.InboundRoute;
import io.culvert.agent.telemetry.Carriage;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.ConnectionFacts;
import io.culvert.agent.telemetry.Direction;
import io.culvert.agent.telemetry.Party;
import io.culvert.protocol.hbone.Baggage;
import io.culvert.protocol.hbone.ConnectRequest;
import io.culvert.protocol.hbone.ConnectResponse;
import io.culvert.protocol.hbone.Forwarded;
import io.culvert.protocol.hbone.frame.Http2Code;
import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.proxyproto.ProxyHeaderV2;
import io.culvert.protocol.workload.Workload;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * One CONNECT of a peer's tunnel: to the pod's application, if policy allows.
 *
 * <p>Runs on: its loop. Owns: the application's socket through its relay.
 */
final class InboundStream extends InboundConnection implements TunnelStream.Opening {
    private final InboundTunnel tunnel;
    private final TunnelStream stream;
    private final ConnectRequest request;
    private boolean carried;

    private InboundStream(PodLoop podLoop, InboundTunnel tunnel, TunnelStream stream, ConnectRequest request) {
        super(podLoop);
        this.tunnel = tunnel;
        this.stream = stream;
        this.request = request;
    }

    static void accept(PodLoop podLoop, InboundTunnel tunnel, TunnelStream stream, ConnectRequest request) {
        InboundStream connection = new InboundStream(podLoop, tunnel, stream, request);
        stream.opening(connection);
        if (tunnel.crowdsOthersOut()) {
            connection.refuseAtLimit("the pod's last places are for peers with fewer connections to it");
        } else {
            connection.begin(connection::admitted);
        }
    }

    private void admitted() {
        carried = true;
        tunnel.carries();
        identify();
    }

    @Override
    public Place place() {
        return Place.STREAM;
    }

    @Override
    IpPort source() {
        return tunnel.peer();
    }

    @Override
    IpPort destination() {
        return tunnel.local();
    }

    @Override
    PeerIdentity peerIdentity() {
        return tunnel.peerIdentity();
    }

    @Override
    InboundRoute route(MeshSnapshot snapshot, Workload known) {
        return pod().world().router().inbound(snapshot, known, tunnel.local().ip(), request.authority());
    }

    @Override
    ConnectionFacts facts(MeshSnapshot snapshot, Workload known, InboundRoute.Deliver deliver) {
        return new ConnectionFacts(
                Direction.INBOUND,
                from(snapshot),
                Party.of(destination(), known, known.identityOrNull()),
                InboundService.of(snapshot, known, askedHost(), deliver.judged().port()),
                true,
                request.authority().authority());
    }

    /** The mesh knows best; what came through a gateway has the gateway's address, so that says nothing of its source. */
    private Party from(MeshSnapshot snapshot) {
        Workload known = isFromOtherNetwork() ? null : peerWorkload(snapshot);
        boolean readsBaggage = pod().world().config().proxy().hbone().responseBaggage();
        return known != null || !readsBaggage
                ? Party.of(source(), known, peerId())
                : Party.claimed(source(), Baggage.parse(request.baggage()), peerId());
    }

    private boolean isFromOtherNetwork() {
        String network = request.xForwardedNetwork();
        return network != null
                && !network.equalsIgnoreCase(pod().world().config().node().network());
    }

    /** The host that the peer says it was asked for; empty when it does not say. */
    private String askedHost() {
        return Forwarded.parse(request.forwarded()).host();
    }

    @Override
    void connected(RelaySocket socket) {
        Workload known = self();
        boolean baggage = pod().world().config().proxy().hbone().responseBaggage();
        stream.accept(baggage && known != null ? WorkloadBaggage.of(known) : null);
        writeProxyHeader(socket);
        relay(socket, stream);
    }

    private void writeProxyHeader(RelaySocket socket) {
        InboundRoute.Deliver deliver = route();
        IpPort named = deliver == null ? null : deliver.proxyHeader();
        if (named != null) {
            byte[] header = new ProxyHeaderV2(source(), named, peerId()).encode();
            // The first bytes of a fresh connection always fit; if it broke, the relay finds out.
            socket.write(ByteBuffer.allocateDirect(header.length).put(header).flip());
        }
    }

    @Override
    public void onResponse(ConnectResponse response) {
        throw new IllegalStateException("a server's stream gets no response");
    }

    @Override
    public void onStreamLost(CloseReason reason, @Nullable String detail) {
        close(reason, detail);
    }

    /** The relay's application is the server here, so what goes up is what it sends. */
    @Override
    public void relayedUp(int count) {
        countSent(count);
    }

    @Override
    public void relayedDown(int count) {
        countReceived(count);
    }

    @Override
    void refuse(int status, CloseReason reason, @Nullable String detail) {
        if (!isClosed()) {
            stream.refuse(status);
            close(reason, detail);
        }
    }

    @Override
    void released(boolean relayed) {
        if (!relayed) {
            stream.cancel(Http2Code.CONNECT_ERROR);
        }
        if (carried) {
            carried = false;
            tunnel.carriesOneLess();
        }
    }

    @Override
    public @Nullable ConnectionView view() {
        InboundRoute.Deliver deliver = route();
        if (deliver == null) {
            return null;
        }
        String host = askedHost();
        return new ConnectionView(
                Direction.INBOUND, source(), host.isEmpty() ? null : host, deliver.judged(), Carriage.HBONE);
    }
}
