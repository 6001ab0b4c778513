package io.culvert.agent.proxy;

import io.culvert.agent.hbone.HbonePool;
import io.culvert.agent.hbone.TunnelStream;
import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.relay.AcceptedSocket;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.relay.SocketPeer;
import io.culvert.agent.resolve.HostnameResolver;
import io.culvert.agent.route.Route;
import io.culvert.agent.route.RouteNeeds;
import io.culvert.agent.telemetry.Carriage;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.ConnectionFacts;
import io.culvert.agent.telemetry.Direction;
import io.culvert.agent.telemetry.Party;
import io.culvert.agent.telemetry.PeerLabels;
import io.culvert.agent.telemetry.ServiceLabels;
import io.culvert.protocol.hbone.Baggage;
import io.culvert.protocol.hbone.ConnectRequest;
import io.culvert.protocol.hbone.ConnectResponse;
import io.culvert.protocol.hbone.ConnectTarget;
import io.culvert.protocol.hbone.Forwarded;
import io.culvert.protocol.hbone.TraceParent;
import io.culvert.protocol.hbone.frame.Http2Code;
import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One connection that an application of the pod opened, knowingly through SOCKS or captured: to a peer's tunnel, or straight to
 * where it was going.
 *
 * <p>Runs on: its loop. Owns: the application's socket.
 */
final class OutboundConnection extends PodConnection implements HbonePool.Listener {
    private final DownstreamSocket app;
    private IpPort dialled = Addresses.UNKNOWN;
    private Carriage carriage = Carriage.TCP;
    private @Nullable NestedFacts nested;

    private OutboundConnection(PodLoop podLoop, Function<PodConnection, DownstreamSocket> app) {
        super(podLoop, Direction.OUTBOUND);
        this.app = app.apply(this);
    }

    static void accept(PodLoop podLoop, AcceptedSocket socket) {
        begin(podLoop, connection -> new CapturedSocket(socket, connection, CloseReason.RESET_BY_APPLICATION));
    }

    /** Of a client that says by SOCKS where it is going. */
    static void acceptSocks(PodLoop podLoop, AcceptedSocket socket) {
        begin(podLoop, connection -> new SocksSocket(socket, connection, CloseReason.RESET_BY_APPLICATION));
    }

    private static void begin(PodLoop podLoop, Function<PodConnection, DownstreamSocket> app) {
        new OutboundConnection(podLoop, app).app.accept(Direction.OUTBOUND);
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
        if (!pod().world().demand().isActive()) {
            route(snapshot, self);
            return;
        }
        String network = pod().world().config().node().network();
        boolean[] decided = {false};
        Runnable withdraw = DemandWait.await(
                podLoop(),
                this,
                (seen, known) ->
                        RouteNeeds.missing(seen, known, network, destination().ip()),
                (seen, known) -> {
                    decided[0] = true;
                    routeOrRefuse(seen, known);
                });
        if (!decided[0]) {
            opening(withdraw);
        }
    }

    private void routeOrRefuse(MeshSnapshot snapshot, @Nullable Workload self) {
        if (self == null) {
            close(CloseReason.WORKLOAD_UNKNOWN, pod().identity().unknown());
        } else if (!isClosed()) {
            route(snapshot, self);
        }
    }

    private void route(MeshSnapshot snapshot, Workload self) {
        follow(self, pod().world().router().outbound(snapshot, self, destination()));
    }

    private void follow(Workload self, Route decided) {
        switch (decided) {
            case Route.Direct direct -> open(self, direct);
            case Route.Tunnelled tunnel -> open(self, tunnel);
            case Route.DoubleHbone nested -> open(self, nested);
            case Route.Resolve resolve -> resolve(self, resolve);
            case Route.Refused refused -> {
                Refusals.count(metrics(), refused.reason());
                close(Refusals.closeReason(refused.reason()), refused.detail());
            }
        }
    }

    private void resolve(Workload self, Route.Resolve route) {
        metrics().onDemandDns(PeerLabels.of(self, null), route.hostname());
        Resolving resolving = new Resolving(self, route);
        Runnable withdraw =
                pod().world().resolver().resolve(podLoop().loop(), route.hostname(), route.preferV4(), resolving);
        if (!resolving.over) {
            opening(withdraw);
        }
    }

    /** Waits for the address of its next hop. */
    private final class Resolving implements HostnameResolver.Listener {
        private final Workload self;
        private final Route.Resolve route;
        private boolean over;

        Resolving(Workload self, Route.Resolve route) {
            this.self = self;
            this.route = route;
        }

        @Override
        public void onResolved(IpAddress ip) {
            over = true;
            attempt(() -> follow(self, pod().world().router().resolved(self, route, ip)));
        }

        @Override
        public void onUnresolved(String why) {
            over = true;
            close(CloseReason.NO_UPSTREAM, "cannot resolve " + route.hostname() + ": " + why);
        }
    }

    private void open(Workload self, Route.Direct direct) {
        dialled = direct.target();
        Workload there = direct.destination();
        recordOpen(facts(
                Party.of(source(), self, null),
                Party.of(dialled, there, there == null ? null : there.identityOrNull()),
                direct.service(),
                null));
        opening(podLoop().dialer().dial(dialled, null, this));
    }

    private void open(Workload self, Route.Tunnelled route) {
        carriage = Carriage.HBONE;
        dialled = route.tunnel();
        SpiffeId own = self.identity();
        recordOpen(facts(
                Party.of(source(), self, own), expected(route.destination()), route.service(), route.authority()));
        ConnectRequest request = request(self, route.authority(), route.service());
        opening(podLoop().pool().open(new HbonePool.Key(own, route.expectedIdentities(), dialled), request, this));
    }

    /** Under its own identity: that of its service may be another's. */
    private Party expected(Workload destination) {
        return Party.of(dialled, destination, destination.identityOrNull());
    }

    /** Who serves it is known only once it answers, so its record is opened then, or when it failed. */
    private void open(Workload self, Route.DoubleHbone route) {
        carriage = Carriage.DOUBLE_HBONE;
        dialled = route.tunnel();
        SpiffeId own = self.identity();
        nested = new NestedFacts(self, route);
        ConnectRequest outer = request(self, route.authority(), route.service());
        ConnectRequest inner = outer.from(pod().world().config().node().network());
        HbonePool.Key gateway = new HbonePool.Key(own, route.expectedIdentities(), dialled);
        opening(podLoop().pool().openThrough(gateway, outer, route.innerIdentities(), inner, this));
    }

    /** What is noted of a connection through a gateway until its record is opened. */
    private record NestedFacts(Workload self, Route.DoubleHbone route) {}

    private void recordNested(@Nullable TunnelStream stream, @Nullable ConnectResponse response) {
        NestedFacts noted = nested;
        if (noted == null) {
            return;
        }
        nested = null;
        Route.DoubleHbone route = noted.route;
        Party there = expected(route.destination());
        if (stream != null && response != null) {
            SpiffeId proven = stream.tunnel().peer() instanceof PeerIdentity.Verified verified ? verified.id() : null;
            boolean readsBaggage = pod().world().config().proxy().hbone().responseBaggage();
            Baggage said = readsBaggage ? Baggage.parse(response.baggage()) : Baggage.EMPTY;
            there = said.equals(Baggage.EMPTY)
                    ? Party.of(dialled, route.destination(), proven)
                    : Party.claimed(dialled, said, proven);
        }
        recordOpen(facts(
                Party.of(source(), noted.self, noted.self.identity()), there, route.service(), route.authority()));
    }

    private ConnectRequest request(Workload self, ConnectTarget authority, @Nullable Service service) {
        ThreadLocalRandom random = ThreadLocalRandom.current();
        return new ConnectRequest(
                authority,
                WorkloadBaggage.of(self),
                new Forwarded(source().toString(), service == null ? "" : service.hostname()).format(),
                new TraceParent(random.nextLong(), random.nextLong(), random.nextLong(), 0).format(),
                null);
    }

    private static ConnectionFacts facts(
            Party from, Party to, @Nullable Service service, @Nullable ConnectTarget authority) {
        return new ConnectionFacts(
                Direction.OUTBOUND,
                from,
                to,
                ServiceLabels.of(service),
                authority != null,
                authority == null ? null : authority.authority());
    }

    @Override
    void connected(RelaySocket socket) {
        relay(app.socket(), new SocketPeer(podLoop().loop(), socket));
    }

    @Override
    public void onStreamOpen(TunnelStream stream, ConnectResponse response) {
        attempt(() -> {
            recordNested(stream, response);
            relay(app.socket(), stream);
        });
        if (isClosed()) {
            // Nothing relays it: it may have been closed by then, or by a fault of ours.
            stream.cancel(Http2Code.CONNECT_ERROR);
        }
    }

    @Override
    public void onStreamFailed(CloseReason reason, @Nullable String detail) {
        recordNested(null, null);
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
        return new ConnectionView(Direction.OUTBOUND, source(), destination().toString(), dialled, carriage);
    }
}
