package io.culvert.agent.route;

import static io.culvert.agent.mesh.Records.at;
import static io.culvert.agent.mesh.Records.byHost;
import static io.culvert.agent.mesh.Records.byIp;
import static io.culvert.agent.mesh.Records.ip;
import static io.culvert.agent.mesh.Records.pod;
import static io.culvert.agent.mesh.Records.service;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;

import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.protocol.hbone.ConnectTarget;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.workload.ApplicationTunnel;
import io.culvert.protocol.workload.GatewayAddress;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Where a local workload's connections to addresses of workloads go. */
class RouterWorkloadTest extends OutboundRig {
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
    void passesAWaypointOfAnotherNamespace_underTheIdentityThatItHasThere() {
        Workload waypoint = pod("waypoint", "10.0.0.9")
                .namespace("gateways")
                .hostname("waypoint.example.com")
                .build();
        Workload decoy =
                pod("decoy", "10.0.0.8").hostname("waypoint.example.com").build();
        for (GatewayAddress bound : List.of(byHost("gateways/waypoint.example.com", 15_008), byIp("10.0.0.9"))) {
            Workload server = pod("server", "10.0.0.2").waypoint(bound).build();

            Route.ViaWaypoint route =
                    assertInstanceOf(Route.ViaWaypoint.class, route(mesh(waypoint, decoy, server), "10.0.0.2", 80));

            assertEquals(at("10.0.0.9", 15_008), route.tunnel());
            assertEquals(
                    List.of(SpiffeId.parse("spiffe://cluster.local/ns/gateways/sa/waypoint")),
                    route.expectedIdentities());
        }
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
}
