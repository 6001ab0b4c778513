package io.culvert.agent.route;

import static io.culvert.agent.mesh.Records.at;
import static io.culvert.agent.mesh.Records.external;
import static io.culvert.agent.mesh.Records.pod;
import static io.culvert.agent.mesh.Records.service;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.protocol.workload.LoadBalancing;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Which of a service's endpoints a local workload's connections go to. */
class RouterBalancingTest extends OutboundRig {
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
}
