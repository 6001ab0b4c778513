package io.culvert.agent.proxy;

import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.relay.AcceptedSocket;
import io.culvert.agent.relay.Dialer;
import io.culvert.agent.relay.Relay;
import io.culvert.agent.relay.RelayOwner;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.relay.SocketPeer;
import io.culvert.agent.route.InboundRoute;
import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.ConnectionFacts;
import io.culvert.agent.telemetry.ConnectionRecord;
import io.culvert.agent.telemetry.Direction;
import io.culvert.agent.telemetry.Party;
import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.policy.Decision;
import io.culvert.protocol.workload.Workload;
import io.culvert.shim.ShimException;
import org.jspecify.annotations.Nullable;

/**
 * One plaintext connection from outside the mesh to the pod: to the application, if policy allows peers without identity.
 *
 * <p>Runs on: its loop. Owns: the peer's socket until the relay takes it over.
 */
final class PassthroughConnection implements OpenConnection, RelaySocket.Listener, Dialer.Listener, RelayOwner {
    private final PodLoop podLoop;
    private final Pod pod;
    private final AcceptedSocket downstream;
    private final IpPort peer;
    private IpPort destination = Addresses.UNKNOWN;
    private InboundRoute.@Nullable Deliver route;
    private @Nullable ConnectionRecord record;
    private @Nullable Relay relay;
    private Runnable cancelOpening = () -> {};
    private boolean closed;

    private PassthroughConnection(PodLoop podLoop, AcceptedSocket accepted) {
        this.podLoop = podLoop;
        this.pod = podLoop.pod();
        this.downstream = accepted;
        this.peer = Addresses.of(downstream.remoteAddress());
        accepted.listener(this);
    }

    static void accept(PodLoop podLoop, AcceptedSocket socket) {
        PassthroughConnection connection = new PassthroughConnection(podLoop, socket);
        podLoop.pod().world().telemetry().metrics().socketOpened(Direction.INBOUND);
        if (podLoop.admit(connection)) {
            connection.attempt(connection::identify);
        } else {
            podLoop.pod().world().telemetry().metrics().badPeer(BadPeer.LIMIT);
            connection.close(CloseReason.LIMIT_REACHED, "the pod has as many connections as it may have");
        }
    }

    private void identify() {
        try {
            downstream.tune(pod.acceptedSpec());
            IpPort original = downstream.originalDestination();
            destination = original == null ? Addresses.of(downstream.localAddress()) : original;
            if (original == null) {
                pod.world().telemetry().metrics().badPeer(BadPeer.OWN_PORT);
                close(CloseReason.SELF_CALL, "the connection was not redirected here");
                return;
            }
        } catch (ShimException e) {
            close(CloseReason.CONNECT_FAILED, e.getMessage());
            return;
        }
        WorkloadWait.await(podLoop, this, this::decide);
    }

    private void decide(MeshSnapshot snapshot, @Nullable Workload self) {
        if (closed) {
            return;
        }
        if (self == null) {
            close(
                    CloseReason.WORKLOAD_UNKNOWN,
                    "nothing is known of " + pod.identity().name());
            return;
        }
        switch (pod.world().router().passthrough(snapshot, self, destination)) {
            case InboundRoute.Deliver deliver -> decide(snapshot, self, deliver);
            case InboundRoute.Refused refused -> {
                OutboundConnection.countBad(pod.world().telemetry().metrics(), refused.reason());
                close(OutboundConnection.reasonOf(refused.reason()), refused.detail());
            }
        }
    }

    private void decide(MeshSnapshot snapshot, Workload self, InboundRoute.Deliver deliver) {
        route = deliver;
        String network = pod.world().config().node().network();
        record = pod.world()
                .telemetry()
                .open(new ConnectionFacts(
                        Direction.INBOUND,
                        Party.of(peer, snapshot.workloadByAddress(network, peer.ip()), null),
                        Party.of(destination, self, self.identity()),
                        InboundService.of(snapshot, self, "", deliver.judged().port()),
                        false,
                        null));
        if (Judgement.of(snapshot, self, PeerIdentity.PLAINTEXT, peer.ip(), deliver.judged())
                instanceof Decision.Deny deny) {
            close(CloseReason.POLICY_DENIED, deny.sentence());
            return;
        }
        open(deliver);
    }

    private void open(InboundRoute.Deliver deliver) {
        boolean spoof = pod.spoofing()
                && deliver.spoofSource()
                && !peer.ip().equals(deliver.target().ip());
        cancelOpening = podLoop.dialer().dial(deliver.target(), spoof ? peer.ip() : null, this);
    }

    /** The peer's socket while the application is being reached: all that matters is whether it broke. */
    @Override
    public void onReady() {
        if (downstream.errorSeen()) {
            close(CloseReason.RESET_BY_PEER, "before the connection was open");
        }
    }

    @Override
    public void onFault(RuntimeException fault) {
        close(CloseReason.BUG, fault.toString());
    }

    @Override
    public void onConnected(RelaySocket socket) {
        if (closed) {
            socket.close();
            return;
        }
        attempt(() -> relay(socket));
    }

    private void relay(RelaySocket socket) {
        SocketPeer application = new SocketPeer(podLoop.loop(), socket);
        Relay started = new Relay(podLoop.loop(), downstream, application, this);
        relay = started;
        application.start(started);
    }

    @Override
    public void onDialFailed(boolean timedOut, String detail) {
        close(timedOut ? CloseReason.CONNECT_TIMEOUT : CloseReason.CONNECT_FAILED, detail);
    }

    @Override
    public void relayedUp(int count) {
        ConnectionRecord counted = record;
        if (counted != null) {
            counted.received(count);
        }
    }

    @Override
    public void relayedDown(int count) {
        ConnectionRecord counted = record;
        if (counted != null) {
            counted.sent(count);
        }
    }

    /** The relay calls the end that opened the connection its application; here that is the peer. */
    @Override
    public void relayClosed(CloseReason reason, @Nullable String detail) {
        close(
                reason == CloseReason.RESET_BY_APPLICATION
                        ? CloseReason.RESET_BY_PEER
                        : reason == CloseReason.RESET_BY_PEER ? CloseReason.RESET_BY_APPLICATION : reason,
                detail);
    }

    @Override
    public void recheck(MeshSnapshot snapshot) {
        Workload self = pod.identity().in(snapshot);
        InboundRoute.Deliver deliver = route;
        if (closed || self == null || deliver == null) {
            return;
        }
        if (Judgement.of(snapshot, self, PeerIdentity.PLAINTEXT, peer.ip(), deliver.judged())
                instanceof Decision.Deny deny) {
            close(CloseReason.POLICY_CHANGED, deny.sentence());
        }
    }

    @Override
    public void drain() {
        // It ends by itself, or at the deadline.
    }

    @Override
    public void close(CloseReason reason, @Nullable String detail) {
        if (closed) {
            return;
        }
        closed = true;
        cancelOpening.run();
        Relay running = relay;
        if (running != null) {
            running.fail(reason, detail);
        }
        downstream.abort();
        podLoop.forget(this);
        pod.world().telemetry().metrics().socketClosed(Direction.INBOUND);
        ConnectionRecord opened = record;
        if (opened != null) {
            opened.close(reason, detail);
        } else {
            pod.world().telemetry().refused(Direction.INBOUND, peer, destination, reason, detail);
        }
    }

    @Override
    public @Nullable ConnectionView view() {
        return new ConnectionView(Direction.INBOUND, peer, null, destination, "TCP");
    }
}
