package io.culvert.agent.route;

import static io.culvert.agent.mesh.Records.at;
import static io.culvert.agent.mesh.Records.byHost;
import static io.culvert.agent.mesh.Records.byIp;
import static io.culvert.agent.mesh.Records.external;
import static io.culvert.agent.mesh.Records.ip;
import static io.culvert.agent.mesh.Records.pod;
import static io.culvert.agent.mesh.Records.service;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.mesh.Records;
import io.culvert.protocol.hbone.ConnectTarget;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.workload.ApplicationTunnel;
import io.culvert.protocol.workload.LoadBalancing;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Where a local workload's connections go. */
class RouterOutboundTest {
    private static final Workload CLIENT =
            pod("client", "10.0.0.1", "2001:db8::1").hbone().build();
    private static final Service SHOP = service("shop").vip("10.96.0.1").build();

    private final Router router = new Router(new SplittableRandom(1), RouterSettings.DEFAULTS);

    // Addresses of workloads

    @Test
    void leavesUnknownDestinationsAlone() {
        assertEquals(new Route.Direct(at("1.2.3.4", 443), null, null), route(mesh(), "1.2.3.4", 443));
    }

    @Test
    void tunnelsToHboneWorkloads_onThisNodeAndOnOthers() {
        for (String node : List.of("node-a", "node-b")) {
            Workload server = pod("server", "10.0.0.2").hbone().node(node).build();
            MeshSnapshot mesh = mesh(server);

            Route.Hbone route = assertInstanceOf(Route.Hbone.class, route(mesh, "10.0.0.2", 80));

            assertEquals(at("10.0.0.2", 15_008), route.tunnel());
            assertEquals(new ConnectTarget.IpTarget(ip("10.0.0.2"), 80), route.authority());
            assertEquals(ids("server"), route.expectedIdentities());
            assertEquals(server, route.destination());
            assertSame(mesh.expectedIdentities(null, server), route.expectedIdentities());
        }
    }

    @Test
    void connectsPlainlyToTcpWorkloads_onThisNodeAndOnOthers() {
        for (String node : List.of("node-a", "node-b")) {
            Workload server = pod("server", "10.0.0.2").node(node).build();

            assertEquals(new Route.Direct(at("10.0.0.2", 80), server, null), route(mesh(server), "10.0.0.2", 80));
        }
    }

    @Test
    void tunnelsToItself_withoutAShortCut() {
        Route.Hbone route = assertInstanceOf(Route.Hbone.class, route(mesh(), "10.0.0.1", 80));

        assertEquals(CLIENT, route.destination());
    }

    @Test
    void passesTheDestinationsWaypoint_ofAWorkload() {
        Workload waypoint = pod("waypoint", "10.0.0.9").build();
        MeshSnapshot mesh = mesh(
                waypoint, pod("server", "10.0.0.2").waypoint(byIp("10.0.0.9")).build());

        Route.ViaWaypoint route = assertInstanceOf(Route.ViaWaypoint.class, route(mesh, "10.0.0.2", 80));

        assertEquals(at("10.0.0.9", 15_008), route.tunnel());
        assertEquals(new ConnectTarget.IpTarget(ip("10.0.0.2"), 80), route.authority());
        assertEquals(ids("waypoint"), route.expectedIdentities());
        assertEquals(waypoint, route.destination());
    }

    @Test
    void ignoresTheSourcesOwnWaypoint() {
        Workload client = pod("client", "10.0.0.1").waypoint(byIp("10.0.0.9")).build();
        MeshSnapshot mesh = mesh(
                pod("waypoint", "10.0.0.9").build(), pod("server", "10.0.0.2").build());

        assertInstanceOf(Route.Direct.class, router.outbound(mesh, client, at("10.0.0.2", 80)));
    }

    @Test
    void refuses_whenTheWaypointIsUnknownOrHasNoEndpoint() {
        Workload unknown = pod("server", "10.0.0.2").waypoint(byIp("10.0.0.9")).build();
        Workload named = pod("server", "10.0.0.2")
                .waypoint(byHost("shop/waypoint.shop.svc", 15_008))
                .build();
        Service empty = service("waypoint").ports(15_008, 15_008).build();

        assertRefused(RefusalReason.WAYPOINT_UNRESOLVED, route(mesh(unknown), "10.0.0.2", 80));
        assertRefused(RefusalReason.WAYPOINT_UNRESOLVED, route(mesh(named), "10.0.0.2", 80));
        assertRefused(RefusalReason.WAYPOINT_UNRESOLVED, route(mesh(named, empty), "10.0.0.2", 80));
    }

    @Test
    void reachesAWaypointOfTheOtherFamily_atItsOwnAddress() {
        Workload waypoint = pod("waypoint", "10.0.0.9").build();
        Workload server =
                pod("server", "2001:db8::2").waypoint(byIp("10.0.0.9")).build();

        Route.ViaWaypoint route =
                assertInstanceOf(Route.ViaWaypoint.class, route(mesh(waypoint, server), "2001:db8::2", 80));

        assertEquals(at("10.0.0.9", 15_008), route.tunnel());
        assertEquals("[2001:db8::2]:80", route.authority().authority());
    }

    @Test
    void reachesAWaypointNamedByHostname_whetherServiceOrWorkload() {
        Workload waypoint = pod("waypoint", "10.0.0.9", "2001:db8::9")
                .of("waypoint", 15_008, 15_009)
                .build();
        Workload host = pod("waypoint", "10.0.0.9", "2001:db8::9")
                .hostname("waypoint.shop.svc")
                .build();
        Workload server = pod("server", "2001:db8::2")
                .waypoint(byHost("shop/waypoint.shop.svc", 15_008))
                .build();
        Service service = service("waypoint").ports(15_008, 15_008).build();

        assertEquals(
                at("2001:db8::9", 15_009),
                assertInstanceOf(Route.ViaWaypoint.class, route(mesh(waypoint, server, service), "2001:db8::2", 80))
                        .tunnel());
        assertEquals(
                at("2001:db8::9", 15_008),
                assertInstanceOf(Route.ViaWaypoint.class, route(mesh(host, server), "2001:db8::2", 80))
                        .tunnel());
    }

    @Test
    void reachesAWaypointWhoseServiceDeclaresNoPort_throughItsApplicationTunnel() {
        Workload waypoint = pod("waypoint", "10.0.0.9")
                .of("waypoint")
                .tunnel(ApplicationTunnel.Protocol.PROXY, 15_088)
                .build();
        Workload server = pod("server", "10.0.0.2").waypoint(byIp("10.96.0.9")).build();
        Service service = service("waypoint").vip("10.96.0.9").ports().build();
        Workload plain = pod("waypoint", "10.0.0.9").of("waypoint").build();

        assertEquals(
                at("10.0.0.9", 15_008),
                assertInstanceOf(Route.ViaWaypoint.class, route(mesh(waypoint, server, service), "10.0.0.2", 80))
                        .tunnel());
        assertRefused(RefusalReason.WAYPOINT_UNRESOLVED, route(mesh(plain, server, service), "10.0.0.2", 80));
    }

    @Test
    void goesStraightToTheWorkload_whenTheSourceIsItsWaypoint() {
        Workload client =
                pod("client", "10.0.0.1").of("waypoint", 15_008, 15_008).build();
        Service service =
                service("waypoint").vip("10.96.0.9").ports(15_008, 15_008).build();
        Workload byService =
                pod("server", "10.0.0.2").hbone().waypoint(byIp("10.96.0.9")).build();
        Workload byName = pod("named", "10.0.0.3")
                .hbone()
                .waypoint(byHost("shop/waypoint.shop.svc", 15_008))
                .build();
        Workload byAddress =
                pod("direct", "10.0.0.4").hbone().waypoint(byIp("10.0.0.1")).build();
        MeshSnapshot mesh = MeshSnapshot.EMPTY.toBuilder()
                .services(List.of(service))
                .workloads(List.of(client, byService, byName, byAddress))
                .build();

        for (String address : List.of("10.0.0.2", "10.0.0.3", "10.0.0.4")) {
            assertInstanceOf(Route.Hbone.class, router.outbound(mesh, client, at(address, 80)), address);
        }
    }

    @Test
    void leavesAloneAnAddressThatOnlyAnotherNetworkKnows() {
        MeshSnapshot mesh =
                mesh(pod("server", "10.0.0.2").network("west").hbone().build());
        Router west = new Router(new SplittableRandom(1), RouterSettings.DEFAULTS.withNetwork("west"));
        Workload westClient = pod("client", "10.0.0.1").network("west").build();

        assertInstanceOf(Route.Direct.class, route(mesh, "10.0.0.2", 80));
        assertInstanceOf(Route.Hbone.class, west.outbound(mesh, westClient, at("10.0.0.2", 80)));
    }

    @Test
    void refusesAnotherNetwork_whenItWasAWorkloadThatWasAddressed() {
        Workload shadow = pod("shadow", "10.96.0.1").build();
        Workload remote = remote("remote", "172.16.0.1").of("shop").build();

        assertRefused(RefusalReason.SERVICE_REQUIRED, route(mesh(shadow, remote, SHOP), "10.96.0.1", 80));
    }

    @Test
    void refusesATunnelToAWorkloadThatCouldProveNothing() {
        Workload server =
                pod("server", "10.0.0.2").hbone().serviceAccount("no account").build();

        assertRefused(RefusalReason.NO_IDENTITY, route(mesh(server), "10.0.0.2", 80));
    }

    @Test
    void refusesItsOwnPorts_overLoopbackAndAtTheSourcesOwnAddress() {
        Workload plain = pod("plain", "10.0.0.1").build();
        MeshSnapshot alone = MeshSnapshot.EMPTY.toBuilder().upsert(plain).build();

        for (int port : new int[] {15_001, 15_006, 15_008, 15_080}) {
            assertRefused(RefusalReason.OWN_PORT, route(mesh(), "127.0.0.1", port));
            assertRefused(RefusalReason.OWN_PORT, route(mesh(), "::1", port));
            assertRefused(RefusalReason.OWN_PORT, router.outbound(alone, plain, at("10.0.0.1", port)));
            assertRefused(RefusalReason.OWN_PORT, route(mesh(), "0.0.0.0", port));
            assertInstanceOf(Route.Direct.class, route(mesh(), "1.2.3.4", port));
        }
        assertInstanceOf(Route.Direct.class, route(mesh(), "127.0.0.1", 80));
        assertRefused(RefusalReason.PORT_ZERO, route(mesh(), "1.2.3.4", 0));
    }

    // Services

    @Test
    void tunnelsToAnEndpointAtItsTargetPort() {
        Workload server = pod("server", "10.0.0.2").hbone().of("shop").build();
        Service shop = service("shop")
                .vip("10.96.0.1")
                .sans("spiffe://cluster.local/ns/shop/sa/further")
                .build();

        Route.Hbone route = assertInstanceOf(Route.Hbone.class, route(mesh(server, shop), "10.96.0.1", 80));

        assertEquals(at("10.0.0.2", 15_008), route.tunnel());
        assertEquals("10.0.0.2:8080", route.authority().authority());
        assertEquals(List.of(ids("further").getFirst(), ids("server").getFirst()), route.expectedIdentities());
        assertEquals(shop, route.service());
    }

    @Test
    void connectsPlainlyToAnEndpointAtItsTargetPort() {
        Workload server = pod("server", "10.0.0.2").of("shop").build();

        assertEquals(new Route.Direct(at("10.0.0.2", 8080), server, SHOP), route(mesh(server, SHOP), "10.96.0.1", 80));
    }

    @Test
    void takesTheEndpointsOwnPort_thenTheServices_thenTheApplicationTunnels() {
        Service service =
                service("shop").vip("10.96.0.1").ports(80, 8080, 81, 0).build();

        assertEquals(at("10.0.0.2", 9090), target(service, pod("a", "10.0.0.2").of("shop", 80, 9090), 80));
        assertEquals(at("10.0.0.2", 8080), target(service, pod("a", "10.0.0.2").of("shop"), 80));
        assertEquals(at("10.0.0.2", 9091), target(service, pod("a", "10.0.0.2").of("shop", 81, 9091), 81));
    }

    @Test
    void usesOnlyEndpointsThatDefineANamedPort() {
        Service service = service("shop").vip("10.96.0.1").ports(80, 0).build();
        Workload with = pod("with", "10.0.0.2").of("shop", 80, 9090).build();
        Workload without = pod("without", "10.0.0.3").of("shop", 81, 9091).build();

        for (int i = 0; i < 20; i++) {
            assertEquals(
                    new Route.Direct(at("10.0.0.2", 9090), with, service),
                    route(mesh(with, without, service), "10.96.0.1", 80));
        }
        assertRefused(RefusalReason.NO_HEALTHY_ENDPOINT, route(mesh(without, service), "10.96.0.1", 80));
    }

    @Test
    void refusesAServiceWithoutEndpoints_andAPortItDoesNotHave() {
        Workload server = pod("server", "10.0.0.2").of("shop").build();
        Workload ill = pod("server", "10.0.0.2").of("shop").unhealthy().build();

        assertRefused(RefusalReason.NO_HEALTHY_ENDPOINT, route(mesh(SHOP), "10.96.0.1", 80));
        assertRefused(RefusalReason.NO_HEALTHY_ENDPOINT, route(mesh(SHOP, ill), "10.96.0.1", 80));
        assertRefused(RefusalReason.NO_SUCH_PORT, route(mesh(SHOP, server), "10.96.0.1", 81));
    }

    @Test
    void reachesEndpointsOnTheNodesNetwork_throughTheServiceOnly() {
        Workload host = pod("host", "192.168.0.1").hostNetwork().of("shop").build();

        assertEquals(new Route.Direct(at("192.168.0.1", 8080), host, SHOP), route(mesh(host, SHOP), "10.96.0.1", 80));
        assertEquals(
                new Route.Direct(at("192.168.0.1", 8080), null, null), route(mesh(host, SHOP), "192.168.0.1", 8080));
    }

    @Test
    void passesTheServicesWaypoint_andNeverTheWorkloads() {
        Workload waypoint = pod("waypoint", "10.0.0.9").build();
        Workload other = pod("other", "10.0.0.8").build();
        Workload server = pod("server", "10.0.0.2")
                .hbone()
                .of("shop")
                .waypoint(byIp("10.0.0.8"))
                .build();
        Service guarded =
                service("shop").vip("10.96.0.1").waypoint(byIp("10.0.0.9")).build();

        Route.ViaWaypoint route = assertInstanceOf(
                Route.ViaWaypoint.class, route(mesh(waypoint, other, server, guarded), "10.96.0.1", 80));

        assertEquals(at("10.0.0.9", 15_008), route.tunnel());
        assertEquals("10.96.0.1:80", route.authority().authority());
        assertEquals(guarded, route.service());
        assertInstanceOf(Route.Hbone.class, route(mesh(waypoint, other, server, SHOP), "10.96.0.1", 80));
        assertRefused(RefusalReason.WAYPOINT_UNRESOLVED, route(mesh(server, guarded), "10.96.0.1", 80));
    }

    @Test
    void keepsTheDialledAddress_ofAServiceThatAsksForIt() {
        Service wild = service("wild")
                .range("10.97.0.0/16")
                .balancing(LoadBalancing.Mode.PASSTHROUGH)
                .build();

        assertEquals(new Route.Direct(at("10.97.3.4", 1234), null, wild), route(mesh(wild), "10.97.3.4", 1234));
    }

    @Test
    void passesTheWaypointOfAServiceThatWouldKeepTheDialledAddress() {
        Workload waypoint = pod("waypoint", "10.0.0.9").build();
        Service wild = service("wild")
                .range("10.97.0.0/16")
                .balancing(LoadBalancing.Mode.PASSTHROUGH)
                .waypoint(byIp("10.0.0.9"))
                .build();

        Route.ViaWaypoint route =
                assertInstanceOf(Route.ViaWaypoint.class, route(mesh(waypoint, wild), "10.97.3.4", 1234));

        assertEquals("10.97.3.4:1234", route.authority().authority());
    }

    @Test
    void choosesTheAddressOfTheCallersFamily() {
        Workload server = pod("server", "10.0.0.2", "2001:db8::2").of("shop").build();
        Service dual = service("shop").vip("10.96.0.1").vip("2001:db8:96::1").build();

        assertEquals(at("10.0.0.2", 8080), direct(mesh(server, dual), "10.96.0.1", 80));
        assertEquals(at("2001:db8::2", 8080), direct(mesh(server, dual), "2001:db8:96::1", 80));
        assertEquals(at("10.0.0.2", 80), direct(mesh(server, dual), "10.0.0.2", 80));
        assertEquals(at("2001:db8::2", 80), direct(mesh(server, dual), "2001:db8::2", 80));
    }

    @Test
    void choosesOnlyAddressesOfFamiliesThatTheServiceAdmits() {
        Workload server = pod("server", "10.0.0.2", "2001:db8::2").of("shop").build();
        Workload six = pod("six", "2001:db8::6").of("shop").build();
        Service v6 = service("shop")
                .vip("10.96.0.1")
                .families(Service.IpFamilies.IPV6_ONLY)
                .build();
        Service v4 = service("shop")
                .vip("2001:db8:96::1")
                .families(Service.IpFamilies.IPV4_ONLY)
                .build();

        assertEquals(at("2001:db8::2", 8080), direct(mesh(server, v6), "10.96.0.1", 80));
        assertEquals(at("10.0.0.2", 8080), direct(mesh(server, v4), "2001:db8:96::1", 80));
        assertRefused(RefusalReason.NO_HEALTHY_ENDPOINT, route(mesh(six, v4), "2001:db8:96::1", 80));
    }

    @Test
    void asksForAnEndpointThatIsKnownByHostnameToBeResolved() {
        Workload plain =
                external("plain").hostname("api.example.com").of("shop").build();
        Workload tunnelled = external("tunnelled")
                .hostname("api.example.com")
                .hbone()
                .of("shop")
                .build();

        Route.Resolve direct = assertInstanceOf(Route.Resolve.class, route(mesh(plain, SHOP), "10.96.0.1", 80));
        Route.Resolve hbone = assertInstanceOf(Route.Resolve.class, route(mesh(tunnelled, SHOP), "10.96.0.1", 80));

        assertEquals("api.example.com", direct.hostname());
        assertTrue(direct.preferV4());
        assertEquals(
                new Route.Direct(at("1.2.3.4", 8080), plain, SHOP), router.resolved(CLIENT, direct, ip("1.2.3.4")));
        Route.Hbone resolved = assertInstanceOf(Route.Hbone.class, router.resolved(CLIENT, hbone, ip("2001:db8::5")));
        assertEquals(at("2001:db8::5", 15_008), resolved.tunnel());
        assertEquals("[2001:db8::5]:8080", resolved.authority().authority());
        assertEquals(ids("tunnelled"), resolved.expectedIdentities());
    }

    @Test
    void refusesAHostnameThatResolvesToTheAgentItself() {
        Workload plain = external("plain")
                .hostname("evil.example.com")
                .of("shop", 80, 15_001)
                .build();
        Route.Resolve resolve = assertInstanceOf(Route.Resolve.class, route(mesh(plain, SHOP), "10.96.0.1", 80));

        assertRefused(RefusalReason.OWN_PORT, router.resolved(CLIENT, resolve, ip("127.0.0.1")));
        assertRefused(RefusalReason.OWN_PORT, router.resolved(CLIENT, resolve, ip("10.0.0.1")));
    }

    @Test
    void resolvesAWaypointThatIsKnownByHostnameOnly() {
        Workload waypoint = external("waypoint").hostname("wp.example.com").build();
        Service guarded = service("shop")
                .vip("10.96.0.1")
                .waypoint(byHost("shop/wp.example.com", 15_008))
                .build();
        Route.Resolve resolve = assertInstanceOf(Route.Resolve.class, route(mesh(waypoint, guarded), "10.96.0.1", 80));

        Route.ViaWaypoint route =
                assertInstanceOf(Route.ViaWaypoint.class, router.resolved(CLIENT, resolve, ip("1.2.3.4")));

        assertEquals(at("1.2.3.4", 15_008), route.tunnel());
        assertEquals("10.96.0.1:80", route.authority().authority());
    }

    @Test
    void isNotLedPastAServiceByAWorkloadOfTheSameAddress() {
        Workload shadow = pod("shadow", "10.96.0.1").build();

        assertRefused(RefusalReason.NO_HEALTHY_ENDPOINT, route(mesh(shadow, SHOP), "10.96.0.1", 80));
    }

    // Weighted waypoints

    @Test
    void samplesWeightedWaypointsByWeight_neverThoseWithoutAny() {
        Service canary = service("shop")
                .vip("10.96.0.1")
                .waypoint(byIp("10.0.0.6"))
                .weighted(byIp("10.0.0.7"), 0)
                .weighted(byIp("10.0.0.8"), 90)
                .weighted(byIp("10.0.0.9"), 10)
                .build();
        MeshSnapshot mesh = mesh(
                pod("six", "10.0.0.6").build(),
                pod("seven", "10.0.0.7").build(),
                pod("eight", "10.0.0.8").build(),
                pod("nine", "10.0.0.9").build(),
                canary);
        int[] hits = new int[10];

        for (int i = 0; i < 2_000; i++) {
            Route.ViaWaypoint route = assertInstanceOf(Route.ViaWaypoint.class, route(mesh, "10.96.0.1", 80));
            hits[(int) (route.tunnel().ip().low() & 0xff)]++;
        }

        assertEquals(0, hits[6] + hits[7]);
        assertTrue(hits[9] > 120 && hits[9] < 280, () -> "nine was picked " + hits[9] + " times of 2000");
    }

    @Test
    void fallsBackToThePlainWaypoint_whenNoWeightedOneHasWeight() {
        Service canary = service("shop")
                .vip("10.96.0.1")
                .waypoint(byIp("10.0.0.6"))
                .weighted(byIp("10.0.0.7"), 0)
                .build();
        MeshSnapshot mesh =
                mesh(pod("six", "10.0.0.6").build(), pod("seven", "10.0.0.7").build(), canary);

        assertEquals(
                at("10.0.0.6", 15_008),
                assertInstanceOf(Route.ViaWaypoint.class, route(mesh, "10.96.0.1", 80))
                        .tunnel());
    }

    // Other networks

    @Test
    void doublesTheTunnel_throughAGatewayKnownByAddress() {
        Workload remote = pod("remote")
                .network("west")
                .hbone()
                .of("shop")
                .gateway(byIp("west", "172.16.0.1", 15_008))
                .build();
        Workload gateway = external("gateway", "172.16.0.1").network("west").build();
        Service shop = global("shop").build();

        Route.DoubleHbone route =
                assertInstanceOf(Route.DoubleHbone.class, route(mesh(remote, gateway, shop), "10.96.0.1", 80));

        assertEquals(at("172.16.0.1", 15_008), route.tunnel());
        assertEquals("shop.shop.svc:80", route.authority().authority());
        assertEquals(ids("gateway"), route.expectedIdentities());
        assertEquals(ids("remote-account"), route.innerIdentities());
        assertEquals(gateway, route.destination());
    }

    @Test
    void doublesTheTunnel_throughAGatewayKnownByHostname() {
        Workload remote = pod("remote")
                .network("west")
                .of("shop")
                .gateway(byHost("shop/gw.shop.svc", 15_009))
                .build();
        Workload pod = pod("gateway", "10.0.0.7").of("gw").build();
        Service gateway = service("gw").ports(15_009, 15_008).build();
        Workload host = external("gateway", "10.0.0.7").hostname("gw.shop.svc").build();

        assertEquals(
                at("10.0.0.7", 15_008),
                assertInstanceOf(
                                Route.DoubleHbone.class,
                                route(mesh(remote, pod, gateway, global("shop").build()), "10.96.0.1", 80))
                        .tunnel());
        assertEquals(
                at("10.0.0.7", 15_009),
                assertInstanceOf(
                                Route.DoubleHbone.class,
                                route(mesh(remote, host, global("shop").build()), "10.96.0.1", 80))
                        .tunnel());
    }

    @Test
    void doublesTheTunnel_toAWaypointOfAnotherNetwork() {
        Workload waypoint = pod("waypoint")
                .network("west")
                .of("waypoint")
                .gateway(byIp("west", "172.16.0.1", 15_008))
                .build();
        Workload gateway = external("gateway", "172.16.0.1").network("west").build();
        Service waypointService =
                global("waypoint").vip("10.96.0.9").ports(15_008, 15_008).build();
        Service shop =
                service("shop").vip("10.96.0.1").waypoint(byIp("10.96.0.9")).build();

        Route.DoubleHbone route = assertInstanceOf(
                Route.DoubleHbone.class, route(mesh(waypoint, gateway, waypointService, shop), "10.96.0.1", 80));

        assertEquals("shop.shop.svc:80", route.authority().authority());
        assertEquals(ids("remote-account"), route.innerIdentities());
    }

    @Test
    void failsOverToAnotherNetwork_whenTheLocalEndpointIsUnhealthy() {
        Workload local = pod("local", "10.0.0.2").hbone().of("shop").build();
        Workload ill = pod("local", "10.0.0.2").hbone().of("shop").unhealthy().build();
        Workload remote = pod("remote")
                .network("west")
                .of("shop")
                .gateway(byIp("west", "172.16.0.1", 15_008))
                .build();
        Workload gateway = external("gateway", "172.16.0.1").network("west").build();
        Service shop = global("shop")
                .balancing(LoadBalancing.Mode.FAILOVER, LoadBalancing.Scope.NETWORK)
                .build();

        for (int i = 0; i < 20; i++) {
            assertInstanceOf(Route.Hbone.class, route(mesh(local, remote, gateway, shop), "10.96.0.1", 80));
        }
        assertInstanceOf(Route.DoubleHbone.class, route(mesh(ill, remote, gateway, shop), "10.96.0.1", 80));
    }

    @Test
    void refusesAnotherNetwork_withoutGatewayOrIdentityOrHostname() {
        Workload stranded = pod("remote", "10.1.0.2").network("west").of("shop").build();
        Workload lost = pod("remote")
                .network("west")
                .of("shop")
                .gateway(byIp("west", "172.16.0.1", 15_008))
                .build();
        Workload gateway = external("gateway", "172.16.0.1").network("west").build();
        Service wildcard = global("shop").hostname("*.example.com").build();
        Workload wild = pod("remote")
                .network("west")
                .ofKey("shop/*.example.com")
                .gateway(byIp("west", "172.16.0.1", 15_008))
                .build();

        assertRefused(
                RefusalReason.NO_GATEWAY, route(mesh(stranded, global("shop").build()), "10.96.0.1", 80));
        assertRefused(
                RefusalReason.GATEWAY_UNRESOLVED,
                route(mesh(lost, global("shop").build()), "10.96.0.1", 80));
        assertRefused(RefusalReason.NO_IDENTITY, route(mesh(lost, gateway, SHOP), "10.96.0.1", 80));
        assertRefused(RefusalReason.SERVICE_REQUIRED, route(mesh(wild, gateway, wildcard), "10.96.0.1", 80));
    }

    @Test
    void doesNotUseAWorkloadWithoutAddress_inItsOwnNetwork() {
        Workload homeless =
                pod("homeless").of("shop").gateway(byIp("172.16.0.1")).build();

        assertRefused(RefusalReason.NO_HEALTHY_ENDPOINT, route(mesh(homeless, SHOP), "10.96.0.1", 80));
    }

    // Load balancing

    @Test
    void spreadsOverEndpointsByWeight() {
        MeshSnapshot mesh = mesh(
                pod("one", "10.0.0.2").of("shop").capacity(1).build(),
                pod("three", "10.0.0.3").of("shop").capacity(3).build(),
                pod("none", "10.0.0.4").of("shop").capacity(0).build(),
                SHOP);
        int[] hits = new int[5];

        for (int i = 0; i < 2_000; i++) {
            hits[(int) (direct(mesh, "10.96.0.1", 80).ip().low() & 0xff)]++;
        }

        assertEquals(0, hits[4]);
        assertTrue(hits[2] > 400 && hits[2] < 600, () -> "one was picked " + hits[2] + " times of 2000");
    }

    @Test
    void reachesEveryEndpoint() {
        MeshSnapshot mesh = mesh(
                pod("one", "10.0.0.2").of("shop").build(),
                pod("two", "10.0.0.3").of("shop").build(),
                SHOP);
        Set<Object> reached = new HashSet<>();

        for (int i = 0; i < 50; i++) {
            reached.add(direct(mesh, "10.96.0.1", 80));
        }

        assertEquals(Set.of(at("10.0.0.2", 8080), at("10.0.0.3", 8080)), reached);
    }

    @Test
    void refuses_whenNoEndpointHasWeight() {
        Workload none = pod("none", "10.0.0.4").of("shop").capacity(0).build();

        assertRefused(RefusalReason.NO_HEALTHY_ENDPOINT, route(mesh(none, SHOP), "10.96.0.1", 80));
    }

    @Test
    void staysStrictlyWithinAScope() {
        Service strict = service("shop")
                .vip("10.96.0.1")
                .balancing(LoadBalancing.Mode.STRICT, LoadBalancing.Scope.NODE)
                .build();
        Workload here = pod("here", "10.0.0.2").of("shop").build();
        Workload there = pod("there", "10.0.0.3").node("node-b").of("shop").build();

        assertOnly("10.0.0.2", mesh(here, there, strict));
        assertRefused(RefusalReason.NO_HEALTHY_ENDPOINT, route(mesh(there, strict), "10.96.0.1", 80));
    }

    @Test
    void failsOverScopeByScope() {
        Service failover = service("shop")
                .vip("10.96.0.1")
                .balancing(LoadBalancing.Mode.FAILOVER, LoadBalancing.Scope.REGION, LoadBalancing.Scope.ZONE)
                .build();
        Workload client = pod("client", "10.0.0.1").locality("eu", "eu-1", "").build();
        Workload sameZone =
                pod("zone", "10.0.0.2").locality("eu", "eu-1", "").of("shop").build();
        Workload sameRegion =
                pod("region", "10.0.0.3").locality("eu", "eu-2", "").of("shop").build();
        Workload zoneNameOnly =
                pod("far", "10.0.0.4").locality("us", "eu-1", "").of("shop").build();

        assertOnly(client, "10.0.0.2", mesh(sameZone, sameRegion, zoneNameOnly, failover));
        assertOnly(client, "10.0.0.3", mesh(sameRegion, zoneNameOnly, failover));
        assertOnly(client, "10.0.0.4", mesh(zoneNameOnly, failover));
    }

    @Test
    void putsTheOwnNetworkBeforeEverythingElse_whenItComesFirst() {
        Service failover = global("shop")
                .balancing(
                        LoadBalancing.Mode.FAILOVER,
                        LoadBalancing.Scope.NETWORK,
                        LoadBalancing.Scope.REGION,
                        LoadBalancing.Scope.ZONE)
                .build();
        Workload client = pod("client", "10.0.0.1").locality("eu", "eu-1", "").build();
        Workload near =
                pod("near", "10.0.0.2").locality("us", "us-1", "").of("shop").build();
        Workload remoteSameZone = remote("remote-zone", "172.16.0.1")
                .locality("eu", "eu-1", "")
                .of("shop")
                .build();
        Workload remoteElsewhere = remote("remote-far", "172.16.0.2")
                .locality("us", "us-1", "")
                .of("shop")
                .build();
        Workload first = external("gw-1", "172.16.0.1").network("west").build();
        Workload second = external("gw-2", "172.16.0.2").network("west").build();

        assertOnly(client, "10.0.0.2", mesh(near, remoteSameZone, remoteElsewhere, first, second, failover));
        for (int i = 0; i < 20; i++) {
            Route route = router.outbound(
                    mesh(remoteElsewhere, remoteSameZone, first, second, failover), client, at("10.96.0.1", 80));
            assertEquals(
                    at("172.16.0.1", 15_008),
                    assertInstanceOf(Route.DoubleHbone.class, route).tunnel());
        }
    }

    @Test
    void comparesNodeClusterSubzoneAndNetwork() {
        Workload client = pod("client", "10.0.0.1")
                .locality("r", "z", "s")
                .node("node-b")
                .cluster("blue")
                .build();
        for (LoadBalancing.Scope scope :
                List.of(LoadBalancing.Scope.NODE, LoadBalancing.Scope.CLUSTER, LoadBalancing.Scope.SUBZONE)) {
            Service failover = service("shop")
                    .vip("10.96.0.1")
                    .balancing(LoadBalancing.Mode.FAILOVER, scope)
                    .build();
            Workload match = pod("match", "10.0.0.2")
                    .node("node-b")
                    .cluster("blue")
                    .locality("", "", "s")
                    .of("shop")
                    .build();
            Workload other = pod("other", "10.0.0.3")
                    .locality("r", "z", "other")
                    .of("shop")
                    .build();

            assertOnly(client, "10.0.0.2", mesh(match, other, failover));
        }
    }

    @Test
    void skipsEndpointsWithoutAddress_whenBalancing() {
        Service failover = service("shop")
                .vip("10.96.0.1")
                .balancing(LoadBalancing.Mode.FAILOVER, LoadBalancing.Scope.NODE)
                .build();
        Workload homeless = pod("homeless").of("shop").build();
        Workload there = pod("there", "10.0.0.3").node("node-b").of("shop").build();

        assertOnly("10.0.0.3", mesh(homeless, there, failover));
    }

    @Test
    void decidesTheSame_fromTheSameRandomness() {
        MeshSnapshot mesh = mesh(
                pod("one", "10.0.0.2").of("shop").build(),
                pod("two", "10.0.0.3").of("shop").build(),
                SHOP);
        Router one = new Router(new SplittableRandom(7), RouterSettings.DEFAULTS);
        Router other = new Router(new SplittableRandom(7), RouterSettings.DEFAULTS);

        for (int i = 0; i < 50; i++) {
            assertEquals(
                    one.outbound(mesh, CLIENT, at("10.96.0.1", 80)), other.outbound(mesh, CLIENT, at("10.96.0.1", 80)));
        }
    }

    private void assertOnly(String expected, MeshSnapshot mesh) {
        assertOnly(CLIENT, expected, mesh);
    }

    private void assertOnly(Workload client, String expected, MeshSnapshot mesh) {
        for (int i = 0; i < 20; i++) {
            Route route = router.outbound(mesh, client, at("10.96.0.1", 80));
            assertEquals(
                    at(expected, 8080),
                    assertInstanceOf(Route.Direct.class, route).target());
        }
    }

    private IpPort target(Service service, Records.WorkloadSpec endpoint, int port) {
        return direct(mesh(endpoint.build(), service), "10.96.0.1", port);
    }

    private IpPort direct(MeshSnapshot mesh, String address, int port) {
        return assertInstanceOf(Route.Direct.class, route(mesh, address, port)).target();
    }

    private Route route(MeshSnapshot mesh, String address, int port) {
        return router.outbound(mesh, CLIENT, at(address, port));
    }

    private static void assertRefused(RefusalReason reason, Route route) {
        assertEquals(reason, assertInstanceOf(Route.Refused.class, route).reason());
    }

    private static List<SpiffeId> ids(String account) {
        return List.of(SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/" + account));
    }

    /** A service that also runs in other networks. */
    private static Records.ServiceSpec global(String name) {
        return service(name).vip("10.96.0.1").sans("spiffe://cluster.local/ns/shop/sa/remote-account");
    }

    private static Records.WorkloadSpec remote(String name, String gateway) {
        return pod(name).network("west").hbone().gateway(byIp("west", gateway, 15_008));
    }

    /** A mesh of the client and these workloads and services. */
    private static MeshSnapshot mesh(Record... records) {
        MeshSnapshot.Builder builder = MeshSnapshot.EMPTY.toBuilder().upsert(CLIENT);
        for (Record each : records) {
            switch (each) {
                case Workload workload -> builder.upsert(workload);
                case Service service -> builder.upsert(service);
                default -> throw new IllegalArgumentException(each.toString());
            }
        }
        return builder.build();
    }
}
