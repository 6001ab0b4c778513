package io.culvert.agent.proxy;

import io.culvert.agent.hbone.HbonePool;
import io.culvert.agent.hbone.TunnelStream;
import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.relay.AcceptedSocket;
import io.culvert.agent.relay.Dialer;
import io.culvert.agent.relay.Relay;
import io.culvert.agent.relay.RelayOwner;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.relay.SocketPeer;
import io.culvert.agent.route.RefusalReason;
import io.culvert.agent.route.Route;
import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.ConnectionFacts;
import io.culvert.agent.telemetry.ConnectionRecord;
import io.culvert.agent.telemetry.Direction;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.agent.telemetry.Party;
import io.culvert.agent.telemetry.ServiceLabels;
import io.culvert.protocol.hbone.ConnectRequest;
import io.culvert.protocol.hbone.ConnectResponse;
import io.culvert.protocol.hbone.ConnectTarget;
import io.culvert.protocol.hbone.Forwarded;
import io.culvert.protocol.hbone.TraceParent;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import io.culvert.shim.ShimException;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * One connection that an application of the pod opened: to a peer's tunnel, or straight to where it was going.
 *
 * <p>Runs on: its loop. Owns: the application's socket until the relay takes it over.
 */
final class OutboundConnection
        implements OpenConnection, RelaySocket.Listener, HbonePool.Listener, Dialer.Listener, RelayOwner {
    private final PodLoop podLoop;
    private final Pod pod;
    private final AcceptedSocket app;
    private final IpPort source;
    private IpPort destination = Addresses.UNKNOWN;
    private IpPort dialled = Addresses.UNKNOWN;
    private boolean tunnelled;
    private @Nullable ConnectionRecord record;
    private @Nullable Relay relay;
    private Runnable cancelOpening = () -> {};
    private boolean closed;

    private OutboundConnection(PodLoop podLoop, AcceptedSocket accepted) {
        this.podLoop = podLoop;
        this.pod = podLoop.pod();
        this.app = accepted;
        this.source = Addresses.of(app.remoteAddress());
        accepted.listener(this);
    }

    static void accept(PodLoop podLoop, AcceptedSocket socket) {
        OutboundConnection connection = new OutboundConnection(podLoop, socket);
        podLoop.pod().world().telemetry().metrics().socketOpened(Direction.OUTBOUND);
        if (podLoop.admit(connection)) {
            connection.attempt(connection::identify);
        } else {
            connection.close(CloseReason.LIMIT_REACHED, "the pod has as many connections as it may have");
        }
    }

    private void identify() {
        try {
            app.tune(pod.acceptedSpec());
            IpPort original = app.originalDestination();
            destination = original == null ? Addresses.of(app.localAddress()) : original;
            if (original == null) {
                // Dialled directly, not redirected: there is nowhere else that it wanted to go.
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
        switch (pod.world().router().outbound(snapshot, self, destination)) {
            case Route.Direct direct -> open(self, direct);
            case Route.Tunnelled tunnelled -> open(self, tunnelled);
            case Route.DoubleHbone _ ->
                close(CloseReason.NO_UPSTREAM, "the destination is in another network, which is not supported yet");
            case Route.Resolve resolve ->
                close(
                        CloseReason.NO_UPSTREAM,
                        "the next hop is known by name only (" + resolve.hostname()
                                + "), and resolving it is not supported yet");
            case Route.Refused refused -> {
                countBad(pod.world().telemetry().metrics(), refused.reason());
                close(reasonOf(refused.reason()), refused.detail());
            }
        }
    }

    /** Counts a refusal that no honest peer or application provokes. */
    static void countBad(Metrics metrics, RefusalReason reason) {
        if (reason == RefusalReason.FOREIGN_AUTHORITY) {
            metrics.badPeer(BadPeer.FOREIGN_DESTINATION);
        } else if (reason == RefusalReason.OWN_PORT) {
            metrics.badPeer(BadPeer.OWN_PORT);
        }
    }

    static CloseReason reasonOf(RefusalReason reason) {
        return switch (reason) {
            case OWN_PORT -> CloseReason.SELF_CALL;
            case LOCAL_WORKLOAD_UNKNOWN -> CloseReason.WORKLOAD_UNKNOWN;
            case FOREIGN_AUTHORITY -> CloseReason.FOREIGN_DESTINATION;
            case PORT_ZERO,
                    NO_SUCH_PORT,
                    NO_HEALTHY_ENDPOINT,
                    WAYPOINT_UNRESOLVED,
                    NO_ADDRESS,
                    NO_GATEWAY,
                    GATEWAY_UNRESOLVED,
                    SERVICE_REQUIRED,
                    NO_IDENTITY,
                    UNKNOWN_HOSTNAME,
                    NO_VIRTUAL_ADDRESS -> CloseReason.NO_UPSTREAM;
        };
    }

    private void open(Workload self, Route.Direct direct) {
        dialled = direct.target();
        Workload there = direct.destination();
        recordOpen(
                Party.of(source, self, null),
                Party.of(dialled, there, there == null ? null : there.identity()),
                direct.service(),
                null);
        cancelOpening = podLoop.dialer().dial(dialled, null, this);
    }

    private void open(Workload self, Route.Tunnelled route) {
        tunnelled = true;
        dialled = route.tunnel();
        SpiffeId own = self.identity();
        recordOpen(
                Party.of(source, self, own),
                Party.of(
                        dialled, route.destination(), route.expectedIdentities().getFirst()),
                route.service(),
                route.authority());
        ConnectRequest request = request(self, route);
        cancelOpening = podLoop.pool().open(new HbonePool.Key(own, route.expectedIdentities(), dialled), request, this);
    }

    private ConnectRequest request(Workload self, Route.Tunnelled route) {
        ThreadLocalRandom random = ThreadLocalRandom.current();
        Service service = route.service();
        return new ConnectRequest(
                route.authority(),
                WorkloadBaggage.of(self),
                new Forwarded(source.toString(), service == null ? "" : service.hostname()).format(),
                new TraceParent(random.nextLong(), random.nextLong(), random.nextLong(), 0).format(),
                null);
    }

    private void recordOpen(Party from, Party to, @Nullable Service service, @Nullable ConnectTarget authority) {
        record = pod.world()
                .telemetry()
                .open(new ConnectionFacts(
                        Direction.OUTBOUND,
                        from,
                        to,
                        ServiceLabels.of(service),
                        authority != null,
                        authority == null ? null : authority.authority()));
    }

    /** The application's socket while the connection is being opened: all that matters is whether it broke. */
    @Override
    public void onReady() {
        if (app.errorSeen()) {
            close(CloseReason.RESET_BY_APPLICATION, "before the connection was open");
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
        SocketPeer peer = new SocketPeer(podLoop.loop(), socket);
        Relay started = new Relay(podLoop.loop(), app, peer, this);
        relay = started;
        peer.start(started);
    }

    @Override
    public void onDialFailed(boolean timedOut, String detail) {
        close(timedOut ? CloseReason.CONNECT_TIMEOUT : CloseReason.CONNECT_FAILED, detail);
    }

    @Override
    public void onStreamOpen(TunnelStream stream, ConnectResponse response) {
        attempt(() -> relay(stream));
    }

    private void relay(TunnelStream stream) {
        Relay started = new Relay(podLoop.loop(), app, stream, this);
        relay = started;
        stream.start(started);
    }

    @Override
    public void onStreamFailed(CloseReason reason, @Nullable String detail) {
        close(reason, detail);
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

    @Override
    public void relayClosed(CloseReason reason, @Nullable String detail) {
        close(reason, detail);
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
        // A connection that could not be opened is reset, so that the application does not take it for an empty answer.
        app.abort();
        podLoop.forget(this);
        pod.world().telemetry().metrics().socketClosed(Direction.OUTBOUND);
        ConnectionRecord opened = record;
        if (opened != null) {
            opened.close(reason, detail);
        } else {
            pod.world().telemetry().refused(Direction.OUTBOUND, source, destination, reason, detail);
        }
    }

    @Override
    public void recheck(MeshSnapshot snapshot) {
        // Policy is the destination's to enforce.
    }

    @Override
    public void drain() {
        // It ends by itself, or at the deadline.
    }

    @Override
    public @Nullable ConnectionView view() {
        return new ConnectionView(
                Direction.OUTBOUND, source, destination.toString(), dialled, tunnelled ? "HBONE" : "TCP");
    }
}
