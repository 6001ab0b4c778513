package io.culvert.agent.route;

import static io.culvert.agent.mesh.Records.at;
import static io.culvert.agent.mesh.Records.byHost;
import static io.culvert.agent.mesh.Records.byIp;
import static io.culvert.agent.mesh.Records.ip;
import static io.culvert.agent.mesh.Records.pod;
import static io.culvert.agent.mesh.Records.service;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.mesh.Records;
import io.culvert.protocol.hbone.ConnectTarget;
import io.culvert.protocol.workload.ApplicationTunnel.Protocol;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Where connections go that came in for a local workload. */
class RouterInboundTest {
    private static final Workload SERVER =
            pod("server", "10.0.0.2", "2001:db8::2").of("shop", 80, 8080).build();
    private static final Service SHOP = service("shop")
            .vip("2001:db8:96::1")
            .vip("other", "10.96.9.9")
            .vip("10.96.0.1")
            .ports(80, 80, 81, 8181, 82, 0)
            .build();

    private final Router router = new Router(new SplittableRandom(1), RouterSettings.DEFAULTS);

    // To the workload itself

    @Test
    void deliversToTheWorkloadsAddress() {
        assertEquals(plain("10.0.0.2", 8080), inbound(mesh(), SERVER, "10.0.0.2", "10.0.0.2:8080"));
        assertEquals(plain("2001:db8::2", 8080), inbound(mesh(), SERVER, "2001:db8::2", "[2001:db8::2]:8080"));
    }

    @Test
    void refusesAForeignAddress() {
        assertRefused(RefusalReason.FOREIGN_AUTHORITY, 400, inbound(mesh(), SERVER, "10.0.0.2", "10.0.0.3:8080"));
        assertRefused(RefusalReason.FOREIGN_AUTHORITY, 400, inbound(mesh(), SERVER, "10.0.0.2", "127.0.0.1:8080"));
        assertRefused(RefusalReason.FOREIGN_AUTHORITY, 400, inbound(mesh(), SERVER, "10.0.0.2", "[2001:db8::2]:8080"));
        assertRefused(RefusalReason.FOREIGN_AUTHORITY, 400, inbound(mesh(), SERVER, "10.0.0.2", "10.96.0.1:80"));
    }

    @Test
    void refusesTheAgentsOwnPorts() {
        for (int port : new int[] {15_001, 15_006, 15_008, 15_080}) {
            assertRefused(RefusalReason.OWN_PORT, 503, inbound(mesh(), SERVER, "10.0.0.2", "10.0.0.2:" + port));
            assertRefused(RefusalReason.OWN_PORT, 0, router.passthrough(mesh(), SERVER, at("10.0.0.2", port)));
        }
    }

    @Test
    void refusesAnOwnPortThatAServiceOrATunnelPointsTo() {
        Workload mapped = pod("server", "10.0.0.2").of("shop", 80, 15_008).build();
        Workload tunnelled =
                pod("server", "10.0.0.2").tunnel(Protocol.NONE, 15_006).build();

        assertRefused(RefusalReason.OWN_PORT, 503, inbound(mesh(), mapped, "10.0.0.2", "shop.shop.svc:80"));
        assertRefused(RefusalReason.OWN_PORT, 503, inbound(mesh(), tunnelled, "10.0.0.2", "10.0.0.2:80"));
    }

    // By hostname

    @Test
    void deliversAHostnameToTheEndpointsPort_thenToTheServices() {
        InboundRoute own = inbound(mesh(), SERVER, "10.0.0.2", "shop.shop.svc:80");
        InboundRoute ofService = inbound(mesh(), SERVER, "10.0.0.2", "shop.shop.svc:81");

        assertEquals(new InboundRoute.Deliver(at("10.0.0.2", 8080), at("10.0.0.2", 8080), true, null, SHOP), own);
        assertEquals(at("10.0.0.2", 8181), deliver(ofService).target());
    }

    @Test
    void refusesAHostnameThatIsUnknownOrHidden_orAPortThatLeadsNowhere() {
        Service hidden = service("hidden").namespace("bank").hidden().build();

        assertRefused(RefusalReason.UNKNOWN_HOSTNAME, 503, inbound(mesh(), SERVER, "10.0.0.2", "other.shop.svc:80"));
        assertRefused(
                RefusalReason.UNKNOWN_HOSTNAME, 503, inbound(mesh(hidden), SERVER, "10.0.0.2", "hidden.bank.svc:80"));
        assertRefused(RefusalReason.NO_SUCH_PORT, 503, inbound(mesh(), SERVER, "10.0.0.2", "shop.shop.svc:99"));
        assertRefused(RefusalReason.NO_SUCH_PORT, 503, inbound(mesh(), SERVER, "10.0.0.2", "shop.shop.svc:82"));
    }

    @Test
    void takesTheServiceOfItsOwnNamespace_whereAHostnameIsShared() {
        Service ours =
                service("api").hostname("api.example.com").ports(80, 1111).build();
        Service theirs = service("api")
                .namespace("bank")
                .hostname("api.example.com")
                .ports(80, 2222)
                .canonical()
                .build();

        assertEquals(
                at("10.0.0.2", 1111),
                deliver(inbound(mesh(theirs, ours), SERVER, "10.0.0.2", "api.example.com:80"))
                        .target());
    }

    // To a waypoint

    @Test
    void servesAsTheWaypointOfAWorkload_whateverNamesIt() {
        for (Workload guarded : List.of(
                pod("guarded", "10.0.0.5").waypoint(byIp("10.0.0.9")).build(),
                pod("guarded", "10.0.0.5").waypoint(byIp("10.96.0.9")).build(),
                pod("guarded", "10.0.0.5")
                        .waypoint(byHost("shop/waypoint.shop.svc", 15_008))
                        .build(),
                pod("guarded", "10.0.0.5")
                        .waypoint(byHost("shop/wp.example.com", 15_008))
                        .build())) {
            assertEquals(
                    plain("10.0.0.9", 80),
                    inbound(waypointMesh(guarded), waypoint(), "10.0.0.9", "10.0.0.5:80"),
                    () -> "" + guarded.waypoint());
        }
    }

    @Test
    void servesAsTheWaypointOfAService_plainOrWeighted() {
        for (Service guarded : List.of(
                service("guarded").vip("10.96.0.5").waypoint(byIp("10.0.0.9")).build(),
                service("guarded").vip("10.96.0.5").waypoint(byIp("10.96.0.9")).build(),
                service("guarded")
                        .vip("10.96.0.5")
                        .waypoint(byHost("shop/waypoint.shop.svc", 15_008))
                        .build(),
                service("guarded")
                        .vip("10.96.0.5")
                        .waypoint(byIp("10.0.0.7"))
                        .weighted(byIp("10.0.0.7"), 90)
                        .weighted(byIp("10.96.0.9"), 10)
                        .build())) {
            assertEquals(
                    plain("10.0.0.9", 80),
                    inbound(waypointMesh(guarded), waypoint(), "10.0.0.9", "10.96.0.5:80"),
                    () -> "" + guarded.waypoint());
        }
    }

    @Test
    void servesAsTheWaypointOfAService_thatIsHiddenFromItsNamespace() {
        Service guarded = service("guarded")
                .namespace("bank")
                .hidden()
                .vip("10.96.0.5")
                .waypoint(byIp("10.96.0.9"))
                .build();

        assertEquals(plain("10.0.0.9", 80), inbound(waypointMesh(guarded), waypoint(), "10.0.0.9", "10.96.0.5:80"));
    }

    @Test
    void refusesToServeAsAWaypoint_ofWhatNamesNoneOrAnother() {
        Workload free = pod("free", "10.0.0.5").build();
        Workload others = pod("others", "10.0.0.6").waypoint(byIp("10.0.0.2")).build();
        Workload lost = pod("lost", "10.0.0.7")
                .waypoint(byHost("shop/nobody.shop.svc", 15_008))
                .build();
        MeshSnapshot mesh = waypointMesh(free, others, lost, SERVER);

        for (String authority : List.of("10.0.0.5:80", "10.0.0.6:80", "10.0.0.7:80", "10.96.0.77:80")) {
            assertRefused(RefusalReason.FOREIGN_AUTHORITY, 400, inbound(mesh, waypoint(), "10.0.0.9", authority));
        }
    }

    @Test
    void refusesAWorkloadsAddress_whenItIsTheServiceThatNamesTheWaypoint_andTheReverse() {
        Workload endpoint = pod("endpoint", "10.0.0.5").of("guarded").build();
        Service guarded =
                service("guarded").vip("10.96.0.5").waypoint(byIp("10.96.0.9")).build();
        Workload guardedPod = pod("guarded", "10.0.0.6")
                .of("open")
                .waypoint(byIp("10.96.0.9"))
                .build();
        Service open = service("open").vip("10.96.0.6").build();
        MeshSnapshot mesh = waypointMesh(endpoint, guarded, guardedPod, open);

        assertRefused(RefusalReason.FOREIGN_AUTHORITY, 400, inbound(mesh, waypoint(), "10.0.0.9", "10.0.0.5:80"));
        assertRefused(RefusalReason.FOREIGN_AUTHORITY, 400, inbound(mesh, waypoint(), "10.0.0.9", "10.96.0.6:80"));
    }

    @Test
    void takesAnyAddress_forAnApplicationTunnel() {
        Workload tunnelled =
                pod("waypoint", "10.0.0.9").tunnel(Protocol.NONE, 0).build();

        assertEquals(plain("10.0.0.9", 80), inbound(mesh(), tunnelled, "10.0.0.9", "10.0.0.5:80"));
    }

    // Application tunnels

    @Test
    void deliversToTheTunnelsPort_andLetsPolicySeeIt() {
        Workload tunnelled =
                pod("waypoint", "10.0.0.9").tunnel(Protocol.NONE, 15_088).build();

        assertEquals(plain("10.0.0.9", 15_088), inbound(mesh(), tunnelled, "10.0.0.9", "10.0.0.5:80"));
    }

    @Test
    void deliversToAProxyTunnelOverLoopback_withTheDestinationInTheHeader() {
        Workload tunnelled =
                pod("waypoint", "10.0.0.9").tunnel(Protocol.PROXY, 15_088).build();

        assertEquals(
                new InboundRoute.Deliver(
                        at("10.0.0.9", 15_088), at("127.0.0.1", 15_088), false, at("10.0.0.5", 80), null),
                inbound(mesh(), tunnelled, "10.0.0.9", "10.0.0.5:80"));
        assertEquals(
                at("::1", 15_088),
                deliver(inbound(mesh(), tunnelled, "2001:db8::9", "10.0.0.5:80"))
                        .target());
    }

    @Test
    void deliversToAProxyTunnelAtItsAddress_whenLoopbackIsSwitchedOff() {
        RouterSettings settings = new RouterSettings("", 15_001, 15_006, 15_008, 15_080, false);
        Workload tunnelled =
                pod("waypoint", "10.0.0.9").tunnel(Protocol.PROXY, 15_088).build();

        InboundRoute route = new Router(new SplittableRandom(1), settings)
                .inbound(mesh(), tunnelled, ip("10.0.0.9"), parse("10.0.0.5:80"));

        assertEquals(
                new InboundRoute.Deliver(
                        at("10.0.0.9", 15_088), at("10.0.0.9", 15_088), true, at("10.0.0.5", 80), null),
                route);
    }

    @Test
    void namesAServicesAddressInTheHeader_ofOurNetworkAndIpv4IfThereIsOne() {
        Workload tunnelled =
                pod("waypoint", "10.0.0.9").tunnel(Protocol.PROXY, 15_088).build();
        Service without = service("without").build();

        assertEquals(
                at("10.96.0.1", 81),
                Objects.requireNonNull(deliver(inbound(mesh(), tunnelled, "10.0.0.9", "shop.shop.svc:81"))
                        .proxyHeader()));
        assertRefused(
                RefusalReason.NO_VIRTUAL_ADDRESS,
                503,
                inbound(mesh(without), tunnelled, "10.0.0.9", "without.shop.svc:80"));
    }

    // Plaintext

    @Test
    void deliversPlaintextToItsOriginalDestination() {
        assertEquals(plain("10.0.0.2", 8080), router.passthrough(mesh(), SERVER, at("10.0.0.2", 8080)));
    }

    private static InboundRoute plain(String ip, int port) {
        return new InboundRoute.Deliver(at(ip, port), at(ip, port), true, null, null);
    }

    private InboundRoute inbound(MeshSnapshot mesh, Workload local, String localIp, String authority) {
        return router.inbound(mesh, local, ip(localIp), parse(authority));
    }

    private static ConnectTarget parse(String authority) {
        ConnectTarget target = ConnectTarget.parse(authority);
        assertNotNull(target);
        return Objects.requireNonNull(target);
    }

    private static InboundRoute.Deliver deliver(InboundRoute route) {
        return assertInstanceOf(InboundRoute.Deliver.class, route);
    }

    private static void assertRefused(RefusalReason reason, int status, InboundRoute route) {
        InboundRoute.Refused refused = assertInstanceOf(InboundRoute.Refused.class, route);
        assertEquals(reason, refused.reason());
        assertEquals(status, refused.status());
    }

    private static Workload waypoint() {
        return pod("waypoint", "10.0.0.9")
                .hostname("wp.example.com")
                .of("waypoint", 15_008, 15_008)
                .build();
    }

    private static MeshSnapshot waypointMesh(Record... records) {
        Service service =
                service("waypoint").vip("10.96.0.9").ports(15_008, 15_008).build();
        return Records.mesh(mesh(records), waypoint(), service);
    }

    private static MeshSnapshot mesh(Record... records) {
        return Records.mesh(Records.mesh(MeshSnapshot.EMPTY, SERVER, SHOP), records);
    }
}
