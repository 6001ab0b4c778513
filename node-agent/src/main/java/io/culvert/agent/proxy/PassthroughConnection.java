package io.culvert.agent.proxy;

import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.relay.AcceptedSocket;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.relay.SocketPeer;
import io.culvert.agent.route.InboundRoute;
import io.culvert.agent.telemetry.Carriage;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.ConnectionFacts;
import io.culvert.agent.telemetry.Direction;
import io.culvert.agent.telemetry.Party;
import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.workload.Workload;
import org.jspecify.annotations.Nullable;

/**
 * One plaintext connection from outside the mesh to the pod: to the application, if policy allows peers without identity.
 *
 * <p>Runs on: its loop. Owns: the peer's socket.
 */
final class PassthroughConnection extends InboundConnection {
    private final CapturedSocket peer;

    private PassthroughConnection(PodLoop podLoop, AcceptedSocket accepted) {
        super(podLoop);
        this.peer = new CapturedSocket(accepted, this, CloseReason.RESET_BY_PEER);
    }

    static void accept(PodLoop podLoop, AcceptedSocket socket) {
        new PassthroughConnection(podLoop, socket).peer.accept(Direction.INBOUND);
    }

    @Override
    public Place place() {
        return Place.PLAINTEXT;
    }

    @Override
    IpPort source() {
        return peer.source();
    }

    @Override
    IpPort destination() {
        return peer.destination();
    }

    @Override
    PeerIdentity peerIdentity() {
        return PeerIdentity.PLAINTEXT;
    }

    @Override
    InboundRoute route(MeshSnapshot snapshot, Workload self) {
        return pod().world().router().passthrough(snapshot, self, destination());
    }

    @Override
    ConnectionFacts facts(MeshSnapshot snapshot, Workload self, InboundRoute.Deliver deliver) {
        return new ConnectionFacts(
                Direction.INBOUND,
                Party.of(source(), peerWorkload(snapshot), null),
                Party.of(destination(), self, self.identityOrNull()),
                InboundService.of(snapshot, self, "", deliver.judged().port()),
                false,
                null);
    }

    @Override
    void connected(RelaySocket socket) {
        relay(peer.socket(), new SocketPeer(podLoop().loop(), socket));
    }

    /** The relay calls the end that opened the connection its application; here that is the peer. */
    @Override
    public void relayClosed(CloseReason reason, @Nullable String detail) {
        close(
                switch (reason) {
                    case RESET_BY_APPLICATION -> CloseReason.RESET_BY_PEER;
                    case RESET_BY_PEER -> CloseReason.RESET_BY_APPLICATION;
                    default -> reason;
                },
                detail);
    }

    @Override
    void released(boolean relayed) {
        peer.release(Direction.INBOUND);
    }

    @Override
    public ConnectionView view() {
        return new ConnectionView(Direction.INBOUND, source(), null, destination(), Carriage.TCP);
    }
}
