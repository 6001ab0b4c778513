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
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.mesh.Records;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.workload.GatewayAddress;
import io.culvert.protocol.workload.LoadBalancing;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Where a local workload's connections to services go: endpoints, ports, families, waypoints. */
class RouterServiceTest extends OutboundRig {
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

    /** Its hostname is taken in the client's namespace too. */
    @Test
    void passesAWaypointOfAnotherNamespace_underTheIdentityThatItHasThere() {
        Workload waypoint = pod("waypoint", "10.0.0.9")
                .namespace("gateways")
                .ofKey("gateways/waypoint.gateways.svc", 15_008, 15_008)
                .build();
        Service there = service("waypoint")
                .namespace("gateways")
                .vip("10.96.0.9")
                .ports(15_008, 15_008)
                .build();
        Workload decoy = pod("decoy", "10.0.0.8")
                .ofKey("shop/waypoint.gateways.svc", 15_008, 15_008)
                .build();
        Service here = service("decoy")
                .hostname("waypoint.gateways.svc")
                .vip("10.96.0.8")
                .ports(15_008, 15_008)
                .build();
        for (GatewayAddress bound :
                List.of(byHost("gateways/waypoint.gateways.svc", 15_008), byIp("10.96.0.9"), byIp("10.0.0.9"))) {
            Service shop = service("shop").vip("10.96.0.1").waypoint(bound).build();

            Route.ViaWaypoint route = assertInstanceOf(
                    Route.ViaWaypoint.class, route(mesh(waypoint, there, decoy, here, shop), "10.96.0.1", 80));

            assertEquals(at("10.0.0.9", 15_008), route.tunnel());
            assertEquals("10.96.0.1:80", route.authority().authority());
            assertEquals(
                    List.of(SpiffeId.parse("spiffe://cluster.local/ns/gateways/sa/waypoint")),
                    route.expectedIdentities());
            assertEquals(waypoint, route.destination());
        }
    }

    private IpPort target(Service service, Records.WorkloadSpec endpoint, int port) {
        return direct(mesh(endpoint.build(), service), "10.96.0.1", port);
    }

    @Test
    void findsAServiceByARangeOfAddresses_unlessAnotherHasTheVeryAddress() {
        Service range = service("range").range("10.97.0.0/16").build();
        Service exact = service("exact").vip("10.97.0.1").build();
        Workload wide = pod("wide", "10.0.0.2").of("range").build();
        Workload narrow = pod("narrow", "10.0.0.3").of("exact").build();
        MeshSnapshot mesh = mesh(range, exact, wide, narrow);

        assertEquals(at("10.0.0.2", 8080), direct(mesh, "10.97.3.4", 80));
        assertEquals(at("10.0.0.3", 8080), direct(mesh, "10.97.0.1", 80));
    }

    @Test
    void doesNotSeeAServiceOfAnotherNamespace_thatIsHiddenFromIt() {
        Service hidden =
                service("hidden").namespace("bank").vip("10.96.0.7").hidden().build();
        Workload teller = pod("teller", "10.0.0.2")
                .namespace("bank")
                .ofKey("bank/hidden.bank.svc")
                .build();
        Workload insider = pod("insider", "10.0.0.5").namespace("bank").build();
        MeshSnapshot mesh = mesh(hidden, teller, insider);

        assertEquals(new Route.Direct(at("10.96.0.7", 80), null, null), route(mesh, "10.96.0.7", 80));
        assertEquals(
                new Route.Direct(at("10.0.0.2", 8080), teller, hidden),
                router.outbound(mesh, insider, at("10.96.0.7", 80)));
    }

    @Test
    void fallsThroughToARange_whereTheServiceOfTheVeryAddressIsHidden() {
        Service hidden =
                service("hidden").namespace("bank").vip("10.97.0.1").hidden().build();
        Service range = service("range").range("10.97.0.0/16").build();
        Workload wide = pod("wide", "10.0.0.2").of("range").build();

        assertEquals(at("10.0.0.2", 8080), direct(mesh(hidden, range, wide), "10.97.0.1", 80));
    }
}
