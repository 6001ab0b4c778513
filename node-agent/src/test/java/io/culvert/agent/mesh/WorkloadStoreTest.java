package io.culvert.agent.mesh;

import static io.culvert.agent.mesh.Records.NAMESPACE;
import static io.culvert.agent.mesh.Records.external;
import static io.culvert.agent.mesh.Records.ip;
import static io.culvert.agent.mesh.Records.key;
import static io.culvert.agent.mesh.Records.pod;
import static io.culvert.agent.mesh.Records.service;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** What a snapshot answers about workloads and the endpoints they are. */
class WorkloadStoreTest {
    private static final Service SHOP = service("shop").vip("10.96.0.1").build();

    @Test
    void endpointsFollowAWorkloadThatIsAddedUpdatedAndRemoved() {
        Workload first = pod("a", "10.0.0.1").of("shop", 80, 8080).build();
        MeshSnapshot added =
                MeshSnapshot.EMPTY.toBuilder().upsert(SHOP).upsert(first).build();
        MeshSnapshot updated = added.toBuilder()
                .upsert(pod("a", "10.0.0.2").of("shop", 80, 9090).build())
                .build();
        MeshSnapshot elsewhere =
                updated.toBuilder().upsert(pod("a", "10.0.0.2").build()).build();
        MeshSnapshot removed = updated.toBuilder().remove(first.uid()).build();

        assertEquals(first, added.workload(first.uid()));
        assertEquals(first, added.workloadByAddress("", ip("10.0.0.1")));
        assertEquals(8080, added.endpoints(SHOP).getFirst().ports().target(80));
        assertNull(updated.workloadByAddress("", ip("10.0.0.1")));
        assertEquals(9090, updated.endpoints(SHOP).getFirst().ports().target(80));
        assertTrue(elsewhere.endpoints(SHOP).isEmpty());
        assertTrue(removed.endpoints(SHOP).isEmpty());
        assertNull(removed.workload(first.uid()));
        assertNull(removed.workloadByAddress("", ip("10.0.0.2")));
        assertEquals(1, added.endpoints(SHOP).size(), "an older snapshot stays as it is");
    }

    @Test
    void prefersPodsThenHboneThenTheLatest_whereAddressesOverlap() {
        Workload entry = external("entry", "10.0.0.1").build();
        Workload tunnelled = external("tunnelled", "10.0.0.1").hbone().build();
        Workload plainPod = pod("plain", "10.0.0.1").build();
        Workload pod = pod("pod", "10.0.0.1").hbone().build();
        Workload newer = pod("newer", "10.0.0.1").hbone().build();
        MeshSnapshot all = MeshSnapshot.EMPTY.toBuilder()
                .upsert(pod)
                .upsert(entry)
                .upsert(newer)
                .upsert(plainPod)
                .upsert(tunnelled)
                .build();

        assertEquals(newer, all.workloadByAddress("", ip("10.0.0.1")));
        MeshSnapshot now = all;
        for (Workload next : List.of(newer, pod, plainPod, tunnelled, entry)) {
            assertEquals(next, now.workloadByAddress("", ip("10.0.0.1")));
            now = now.toBuilder().remove(next.uid()).build();
        }
        assertNull(now.workloadByAddress("", ip("10.0.0.1")));
    }

    @Test
    void keepsTheSameAddressOfTwoNetworksApart() {
        Workload here = pod("here", "10.0.0.1").build();
        Workload there = pod("there", "10.0.0.1").network("west").build();
        MeshSnapshot mesh =
                MeshSnapshot.EMPTY.toBuilder().upsert(here).upsert(there).build();

        assertEquals(here, mesh.workloadByAddress("", ip("10.0.0.1")));
        assertEquals(there, mesh.workloadByAddress("west", ip("10.0.0.1")));
        assertNull(mesh.workloadByAddress("east", ip("10.0.0.1")));
    }

    @Test
    void neverFindsHostNetworkWorkloadsByAddress() {
        Workload host = pod("host", "10.0.0.1").hostNetwork().of("shop").build();
        MeshSnapshot mesh =
                MeshSnapshot.EMPTY.toBuilder().upsert(host).upsert(SHOP).build();

        assertNull(mesh.workloadByAddress("", ip("10.0.0.1")));
        assertEquals(host, mesh.workload(host.uid()));
        assertEquals(host, mesh.endpoints(SHOP).getFirst().workload());
    }

    @Test
    void leavesOutUnhealthyEndpoints_whetherTheyComeBeforeOrAfterTheService() {
        Workload healthy = pod("a", "10.0.0.1").of("shop").build();
        Workload unhealthy = pod("b", "10.0.0.2").unhealthy().of("shop").build();
        MeshSnapshot before = MeshSnapshot.EMPTY.toBuilder()
                .upsert(healthy)
                .upsert(unhealthy)
                .upsert(SHOP)
                .build();
        MeshSnapshot after = MeshSnapshot.EMPTY.toBuilder()
                .upsert(SHOP)
                .upsert(healthy)
                .upsert(unhealthy)
                .build();

        assertEquals(List.of(healthy), workloads(before, SHOP));
        assertEquals(List.of(healthy), workloads(after, SHOP));
        assertEquals(unhealthy, after.workloadByAddress("", ip("10.0.0.2")));
    }

    @Test
    void evictsAnEndpointThatTurnsUnhealthy_andTakesItBack() {
        MeshSnapshot healthy = MeshSnapshot.EMPTY.toBuilder()
                .upsert(SHOP)
                .upsert(pod("a", "10.0.0.1").of("shop").build())
                .build();
        MeshSnapshot ill = healthy.toBuilder()
                .upsert(pod("a", "10.0.0.1").of("shop").unhealthy().build())
                .build();
        MeshSnapshot well =
                ill.toBuilder().upsert(pod("a", "10.0.0.1").of("shop").build()).build();

        assertEquals(1, healthy.endpoints(SHOP).size());
        assertTrue(ill.endpoints(SHOP).isEmpty());
        assertEquals(1, well.endpoints(SHOP).size());
    }

    @Test
    void bringsUnhealthyEndpointsBack_whenTheServiceAllowsAll() {
        Service tolerant = service("shop").vip("10.96.0.1").allowAll().build();
        MeshSnapshot strict = MeshSnapshot.EMPTY.toBuilder()
                .upsert(SHOP)
                .upsert(pod("a", "10.0.0.1").of("shop").unhealthy().build())
                .build();

        assertTrue(strict.endpoints(SHOP).isEmpty());
        assertEquals(
                1,
                strict.toBuilder().upsert(tolerant).build().endpoints(tolerant).size());
    }

    @Test
    void endpointsWaitForTheirService_andForItsReturn() {
        Workload waiting = pod("a", "10.0.0.1").of("shop").build();
        MeshSnapshot staged = MeshSnapshot.EMPTY.toBuilder().upsert(waiting).build();
        MeshSnapshot served = staged.toBuilder().upsert(SHOP).build();
        MeshSnapshot gone = served.toBuilder().removeService(SHOP.key()).build();
        MeshSnapshot back = gone.toBuilder().upsert(SHOP).build();

        assertTrue(staged.endpoints(SHOP).isEmpty());
        assertNull(staged.service(SHOP.key()));
        assertEquals(List.of(waiting), workloads(served, SHOP));
        assertTrue(gone.endpoints(SHOP).isEmpty());
        assertEquals(0, gone.serviceCount());
        assertEquals(List.of(waiting), workloads(back, SHOP));
    }

    @Test
    void forgetsWaitingEndpointsThatAreRemoved() {
        Workload waiting = pod("a", "10.0.0.1").of("shop").build();
        MeshSnapshot mesh =
                MeshSnapshot.EMPTY.toBuilder().upsert(waiting).build().toBuilder()
                        .remove(waiting.uid())
                        .build()
                        .toBuilder()
                        .upsert(SHOP)
                        .build();

        assertTrue(mesh.endpoints(SHOP).isEmpty());
    }

    @Test
    void appliesARemovalBeforeALaterUpsertOfTheSameBatch() {
        Workload workload = pod("a", "10.0.0.1").of("shop").build();
        MeshSnapshot mesh =
                MeshSnapshot.EMPTY.toBuilder().upsert(SHOP).upsert(workload).build();

        assertEquals(
                List.of(workload),
                workloads(
                        mesh.toBuilder().remove(workload.uid()).upsert(workload).build(), SHOP));
        assertTrue(mesh.toBuilder()
                .upsert(pod("a", "10.0.0.9").of("shop").build())
                .remove(workload.uid())
                .build()
                .endpoints(SHOP)
                .isEmpty());
    }

    @Test
    void findsLocalWorkloadsByNames_onThisNodeOnly() {
        Workload here = pod("a", "10.0.0.1").serviceAccount("seller").build();
        Workload there =
                pod("b", "10.0.0.2").serviceAccount("seller").node("node-b").build();
        MeshSnapshot mesh = MeshSnapshot.empty("node-a").toBuilder()
                .upsert(here)
                .upsert(there)
                .build();
        MeshSnapshot anywhere =
                MeshSnapshot.EMPTY.toBuilder().upsert(here).upsert(there).build();

        assertEquals(here, mesh.localWorkload("a", NAMESPACE, "seller"));
        assertNull(mesh.localWorkload("a", NAMESPACE, "buyer"));
        assertNull(mesh.localWorkload("a", "elsewhere", "seller"));
        assertNull(mesh.localWorkload("b", NAMESPACE, "seller"));
        assertEquals(there, anywhere.localWorkload("b", NAMESPACE, "seller"));
        assertEquals(List.of(here), mesh.localWorkloads());
        assertNull(mesh.toBuilder().remove(here.uid()).build().localWorkload("a", NAMESPACE, "seller"));
    }

    @Test
    void tellsNoneOfSeveralLocalWorkloadsWithTheSameNames_untilOneIsLeft() {
        Workload one = pod("a", "10.0.0.1").serviceAccount("seller").build();
        Workload two = pod("a", "10.0.0.2")
                .uid("cluster//Pod/shop/a-again")
                .serviceAccount("seller")
                .hbone()
                .build();
        Workload other = pod("a", "10.0.0.3")
                .uid("cluster//Pod/shop/a-too")
                .serviceAccount("buyer")
                .build();
        MeshSnapshot both = MeshSnapshot.empty("node-a", "cluster").toBuilder()
                .upsert(one)
                .upsert(two)
                .upsert(other)
                .build();

        assertNull(both.localWorkload("a", NAMESPACE, "seller"));
        assertEquals(other, both.localWorkload("a", NAMESPACE, "buyer"));
        assertEquals(one, both.toBuilder().remove(two.uid()).build().localWorkload("a", NAMESPACE, "seller"));
    }

    @Test
    void prefersTheLocalWorkloadOfItsOwnClusterThenAPod_whateverCameLast() {
        Workload ours = pod("a", "10.0.0.1").serviceAccount("seller").build();
        Workload entry = external("a", "10.0.0.2").serviceAccount("seller").build();
        Workload theirs = pod("a", "10.0.0.3")
                .uid("west//Pod/shop/a")
                .cluster("west")
                .serviceAccount("seller")
                .hbone()
                .build();
        for (List<Workload> order : List.of(List.of(ours, entry, theirs), List.of(theirs, entry, ours))) {
            MeshSnapshot.Builder builder = MeshSnapshot.empty("node-a", "cluster").toBuilder();
            order.forEach(builder::upsert);
            assertEquals(ours, builder.build().localWorkload("a", NAMESPACE, "seller"));
        }
    }

    @Test
    void findsWorkloadsByHostnameWithinTheirNamespace() {
        Workload gateway =
                external("gateway", "10.0.0.1").hostname("gw.example.com").build();
        MeshSnapshot mesh = MeshSnapshot.EMPTY.toBuilder().upsert(gateway).build();

        assertEquals(gateway, mesh.workloadByHostname(key(NAMESPACE + "/gw.example.com")));
        assertNull(mesh.workloadByHostname(key("elsewhere/gw.example.com")));
        assertNull(
                mesh.toBuilder().remove(gateway.uid()).build().workloadByHostname(key(NAMESPACE + "/gw.example.com")));
    }

    @Test
    void expectsTheServicesIdentitiesThenTheWorkloads_asOneListForAll() {
        Service service =
                service("shop").sans("spiffe://cluster.local/ns/shop/sa/other").build();
        Workload one = pod("a", "10.0.0.1").serviceAccount("seller").of("shop").build();
        Workload two = pod("b", "10.0.0.2").serviceAccount("seller").of("shop").build();
        MeshSnapshot mesh = MeshSnapshot.EMPTY.toBuilder()
                .upsert(one)
                .upsert(two)
                .upsert(service)
                .build();

        SpiffeId seller = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/seller");
        SpiffeId other = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/other");
        assertEquals(List.of(seller), mesh.expectedIdentities(null, one));
        assertEquals(List.of(other, seller), mesh.expectedIdentities(service, one));
        assertSame(mesh.expectedIdentities(service, one), mesh.expectedIdentities(service, two));
        assertSame(mesh.expectedIdentities(null, one), mesh.expectedIdentities(null, two));
        assertEquals(List.of(other), mesh.serviceIdentities(service));
        assertEquals(
                List.of(),
                mesh.expectedIdentities(service, pod("stranger").build()),
                "nothing is acceptable from what is not known");
    }

    @Test
    void followsTheServicesIdentitiesWhenTheyChange() {
        Workload workload = pod("a", "10.0.0.1").of("shop").build();
        Service other = service("shop")
                .vip("10.96.0.1")
                .sans("spiffe://cluster.local/ns/shop/sa/other")
                .build();
        MeshSnapshot mesh = MeshSnapshot.EMPTY.toBuilder().upsert(SHOP).upsert(workload).build().toBuilder()
                .upsert(other)
                .build();

        assertEquals(2, mesh.expectedIdentities(other, workload).size());
        assertEquals(2, mesh.endpoints(other).getFirst().identities().size());
    }

    @Test
    void reportsIdentitiesThatAreNone_andKeepsTheRest() {
        Workload nameless =
                pod("a", "10.0.0.1").serviceAccount("not/an/account").build();
        Service service = service("shop")
                .sans("https://example.com", "spiffe://cluster.local/ns/shop/sa/other")
                .build();
        MeshSnapshot mesh = MeshSnapshot.EMPTY.toBuilder()
                .upsert(nameless)
                .upsert(service)
                .upsert(pod("b", "10.0.0.2").build())
                .build();

        assertEquals(
                List.of(MeshProblem.Kind.WORKLOAD_IDENTITY, MeshProblem.Kind.SERVICE_IDENTITY),
                mesh.problems().stream().map(MeshProblem::kind).toList());
        assertEquals(nameless.uid().value(), mesh.problems().getFirst().subject());
        assertEquals(List.of(), mesh.expectedIdentities(null, nameless));
        assertEquals(1, mesh.serviceIdentities(service).size());
        assertNotNull(mesh.workloadByAddress("", ip("10.0.0.2")));
        assertEquals(
                List.of(),
                mesh.toBuilder()
                        .remove(nameless.uid())
                        .upsert(service("shop").build())
                        .build()
                        .problems());
    }

    @Test
    void listsAtMostAThousandProblems() {
        MeshSnapshot.Builder builder = MeshSnapshot.EMPTY.toBuilder();
        for (int i = 0; i < 1_002; i++) {
            builder.upsert(pod("pod-" + i).serviceAccount("").build());
        }

        List<MeshProblem> problems = builder.build().problems();
        assertEquals(1_001, problems.size());
        assertEquals(
                new MeshProblem(MeshProblem.Kind.TOO_MANY, "", "2 more problems are not listed"), problems.getLast());
    }

    @Test
    void keepsTheRecordsThatAreGivenAgainUnchanged() {
        Workload workload = pod("a", "10.0.0.1").of("shop").build();
        MeshSnapshot first = MeshSnapshot.EMPTY.toBuilder()
                .workloads(List.of(workload, pod("b", "10.0.0.2").build()))
                .services(List.of(SHOP, service("other").build()))
                .policies(List.of())
                .build();
        MeshSnapshot second = first.toBuilder()
                .workloads(List.of(pod("a", "10.0.0.1").of("shop").build()))
                .services(List.of(SHOP))
                .policies(List.of())
                .build();

        assertSame(first.workload(workload.uid()), second.workload(workload.uid()));
        assertSame(first.endpoints(SHOP), second.endpoints(SHOP));
        assertEquals(1, second.workloadCount());
        assertEquals(1, second.serviceCount());
        assertEquals(first.version() + 1, second.version());
    }

    @Test
    void buildsOnce() {
        MeshSnapshot.Builder builder = MeshSnapshot.EMPTY.toBuilder();
        builder.build();

        assertThrows(IllegalStateException.class, () -> builder.upsert(SHOP));
        assertThrows(IllegalStateException.class, builder::build);
    }

    private static List<Workload> workloads(MeshSnapshot mesh, Service service) {
        Service known = Objects.requireNonNull(mesh.service(service.key()));
        return mesh.endpoints(known).stream().map(Endpoint::workload).toList();
    }
}
