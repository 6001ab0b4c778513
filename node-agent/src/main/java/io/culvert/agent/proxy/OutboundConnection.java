package io.culvert.agent.proxy;

import io.culvert.agent.hbone.HbonePool;
import io.culvert.agent.hbone.TunnelStream;
import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.relay.AcceptedSocket;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.relay.SocketPeer;
import io.culvert.agent.route.Route;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.ConnectionFacts;
import io.culvert.agent.telemetry.Direction;
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
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * One connection that an application of the pod opened: to a peer's tunnel, or straight to where it was going.
 *
 * <p>Runs on: its loop. Owns: the application's socket.
 */
final class OutboundConnection extends PodConnection implements HbonePool.Listener {
    private final CapturedSocket app;
    private IpPort dialled = Addresses.UNKNOWN;
    private boolean tunnelled;

    private OutboundConnection(PodLoop podLoop, AcceptedSocket accepted) {
        super(podLoop, Direction.OUTBOUND);
        this.app = new CapturedSocket(accepted, this, CloseReason.RESET_BY_APPLICATION);
    }

    static void accept(PodLoop podLoop, AcceptedSocket socket) {
        new OutboundConnection(podLoop, socket).app.accept(Direction.OUTBOUND);
    }

    @Override
    public Place place() {
        return Place.OUTBOUND;
    }

    @Override
    IpPort source() {
        return app.source();
    }

    @Override
    IpPort destination() {
        return app.destination();
    }

    @Override
    void decide(MeshSnapshot snapshot, Workload self) {
        switch (pod().world().router().outbound(snapshot, self, destination())) {
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
                Refusals.count(metrics(), refused.reason());
                close(Refusals.closeReason(refused.reason()), refused.detail());
            }
        }
    }

    private void open(Workload self, Route.Direct direct) {
        dialled = direct.target();
        Workload there = direct.destination();
        recordOpen(
                Party.of(source(), self, null),
                Party.of(dialled, there, there == null ? null : there.identity()),
                direct.service(),
                null);
        opening(podLoop().dialer().dial(dialled, null, this));
    }

    private void open(Workload self, Route.Tunnelled route) {
        tunnelled = true;
        dialled = route.tunnel();
        SpiffeId own = self.identity();
        recordOpen(
                Party.of(source(), self, own),
                Party.of(
                        dialled, route.destination(), route.expectedIdentities().getFirst()),
                route.service(),
                route.authority());
        ConnectRequest request = request(self, route);
        opening(podLoop().pool().open(new HbonePool.Key(own, route.expectedIdentities(), dialled), request, this));
    }

    private ConnectRequest request(Workload self, Route.Tunnelled route) {
        ThreadLocalRandom random = ThreadLocalRandom.current();
        Service service = route.service();
        return new ConnectRequest(
                route.authority(),
                WorkloadBaggage.of(self),
                new Forwarded(source().toString(), service == null ? "" : service.hostname()).format(),
                new TraceParent(random.nextLong(), random.nextLong(), random.nextLong(), 0).format(),
                null);
    }

    private void recordOpen(Party from, Party to, @Nullable Service service, @Nullable ConnectTarget authority) {
        recordOpen(new ConnectionFacts(
                Direction.OUTBOUND,
                from,
                to,
                ServiceLabels.of(service),
                authority != null,
                authority == null ? null : authority.authority()));
    }

    @Override
    void connected(RelaySocket socket) {
        relay(app.socket(), new SocketPeer(podLoop().loop(), socket));
    }

    @Override
    public void onStreamOpen(TunnelStream stream, ConnectResponse response) {
        attempt(() -> relay(app.socket(), stream));
    }

    @Override
    public void onStreamFailed(CloseReason reason, @Nullable String detail) {
        close(reason, detail);
    }

    @Override
    void released(boolean relayed) {
        app.release(Direction.OUTBOUND);
    }

    @Override
    public void recheck(MeshSnapshot snapshot) {
        // Policy is the destination's to enforce.
    }

    @Override
    public ConnectionView view() {
        return new ConnectionView(
                Direction.OUTBOUND, source(), destination().toString(), dialled, tunnelled ? "HBONE" : "TCP");
    }
}
