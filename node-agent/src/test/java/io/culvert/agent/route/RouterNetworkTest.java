package io.culvert.agent.route;

import static io.culvert.agent.mesh.Records.at;
import static io.culvert.agent.mesh.Records.byHost;
import static io.culvert.agent.mesh.Records.byIp;
import static io.culvert.agent.mesh.Records.external;
import static io.culvert.agent.mesh.Records.pod;
import static io.culvert.agent.mesh.Records.service;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.culvert.protocol.workload.LoadBalancing;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import org.junit.jupiter.api.Test;

/** How a local workload's connections reach other networks: through their gateways, in a tunnel within a tunnel. */
class RouterNetworkTest extends OutboundRig {
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
}
