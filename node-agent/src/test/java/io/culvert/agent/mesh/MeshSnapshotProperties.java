package io.culvert.agent.mesh;

import static io.culvert.agent.mesh.Records.NAMESPACE;
import static io.culvert.agent.mesh.Records.pod;
import static io.culvert.agent.mesh.Records.policy;
import static io.culvert.agent.mesh.Records.service;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.workload.LoadBalancing;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import io.culvert.protocol.workload.WorkloadUid;
import io.culvert.testkit.Gen;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A snapshot that grew by changes against one built from nothing. */
class MeshSnapshotProperties {
    private static final int NAMES = 12;

    /** What was put, in the order in which it counts: workloads by last change, services by first appearance. */
    private static final class World {
        private final Map<WorkloadUid, Workload> workloads = new LinkedHashMap<>();
        private final Map<NamespacedName, Service> services = new LinkedHashMap<>();
        private final Map<NamespacedName, Policy> policies = new HashMap<>();
    }

    @Test
    void changesLeadToTheSameSnapshotAsBuildingFromNothing() {
        Gen.forAll(300, gen -> {
            World world = new World();
            MeshSnapshot mesh = MeshSnapshot.empty("node-0");
            for (int batch = gen.intBetween(1, 6); batch > 0; batch--) {
                MeshSnapshot.Builder builder = mesh.toBuilder().policiesComplete();
                for (int change = gen.intBetween(0, 12); change > 0; change--) {
                    change(gen, world, builder);
                }
                mesh = builder.build();
            }
            MeshSnapshot fresh = MeshSnapshot.empty("node-0").toBuilder()
                    .services(world.services.values())
                    .workloads(world.workloads.values())
                    .policies(world.policies.values())
                    .build();
            assertSameAnswers(fresh, mesh);
        });
    }

    private static void change(Gen gen, World world, MeshSnapshot.Builder builder) {
        switch (gen.intBetween(0, 7)) {
            case 0, 1, 2 -> {
                Workload workload = workload(gen);
                builder.upsert(workload);
                if (!workload.equals(world.workloads.get(workload.uid()))) {
                    world.workloads.remove(workload.uid());
                    world.workloads.put(workload.uid(), workload);
                }
            }
            case 3 -> {
                WorkloadUid uid = workload(gen).uid();
                builder.remove(uid);
                world.workloads.remove(uid);
            }
            case 4, 5 -> {
                Service service = service(gen, gen.intBetween(0, NAMES));
                builder.upsert(service);
                world.services.put(service.key(), service);
            }
            case 6 -> {
                NamespacedName key = service(gen, gen.intBetween(0, NAMES)).key();
                builder.removeService(key);
                world.services.remove(key);
            }
            default -> {
                Policy policy = policy(
                        NAMESPACE + "/policy-" + gen.intBetween(0, 3),
                        gen.pick(Policy.Scope.class),
                        Policy.Action.DENY);
                if (gen.bool()) {
                    builder.upsert(policy);
                    world.policies.put(policy.key(), policy);
                } else {
                    builder.removePolicy(policy.key());
                    world.policies.remove(policy.key());
                }
            }
        }
    }

    private static Workload workload(Gen gen) {
        Records.WorkloadSpec spec = pod(
                        "w-" + gen.intBetween(0, NAMES),
                        "10.0.0." + gen.intBetween(0, 8),
                        "2001:db8::" + gen.intBetween(1, 8))
                .serviceAccount(gen.pick("one", "two", "not an account"))
                .hostname(gen.pick("", "a.example.com", "b.example.com"))
                .network(gen.pick("", "west"))
                .node(gen.pick("node-0", "node-1"))
                .of("s-" + gen.intBetween(0, NAMES), 80, gen.intBetween(1, 3))
                .of("s-" + gen.intBetween(0, NAMES), 81, gen.intBetween(1, 3));
        if (gen.bool()) {
            spec.hbone();
        }
        if (gen.oneIn(4)) {
            spec.unhealthy();
        }
        if (gen.oneIn(4)) {
            spec.hostNetwork();
        }
        if (gen.bool()) {
            spec.policies(NAMESPACE + "/policy-" + gen.intBetween(0, 3), NAMESPACE + "/policy-missing");
        }
        return spec.build();
    }

    /** Its addresses depend on its number only, so that services keep their places among those that share them. */
    private static Service service(Gen gen, int number) {
        Records.ServiceSpec spec = Records.service("s-" + number)
                .vip("10.96.0." + number % 4)
                .range("10.97." + number % 3 + ".0/24")
                .range("10.97.0.0/" + (14 + number % 3));
        if (gen.bool()) {
            spec.sans("spiffe://cluster.local/ns/shop/sa/" + gen.pick("one", "two", ""));
        }
        if (gen.oneIn(3)) {
            spec.allowAll();
        }
        if (gen.oneIn(3)) {
            spec.balancing(LoadBalancing.Mode.FAILOVER, LoadBalancing.Scope.NODE);
        }
        return spec.build();
    }

    private static void assertSameAnswers(MeshSnapshot expected, MeshSnapshot actual) {
        assertEquals(new HashSet<>(expected.workloads()), new HashSet<>(actual.workloads()));
        assertEquals(new HashSet<>(expected.services()), new HashSet<>(actual.services()));
        assertEquals(new HashSet<>(expected.localWorkloads()), new HashSet<>(actual.localWorkloads()));
        assertEquals(expected.workloadCount(), actual.workloadCount());
        assertEquals(expected.serviceCount(), actual.serviceCount());
        assertEquals(expected.problems(), actual.problems());
        for (String network : List.of("", "west")) {
            for (int i = 0; i < 10; i++) {
                assertSameAt(expected, actual, network, IpAddress.parse("10.0.0." + i));
                assertSameAt(expected, actual, network, IpAddress.parse("2001:db8::" + i));
                assertSameAt(expected, actual, network, IpAddress.parse("10.96.0." + i));
                assertSameAt(expected, actual, network, IpAddress.parse("10.97." + i + ".1"));
            }
        }
        for (Service service : expected.services()) {
            assertEquals(expected.endpoints(service), actual.endpoints(service));
            assertEquals(expected.serviceIdentities(service), actual.serviceIdentities(service));
        }
        for (Workload workload : expected.workloads()) {
            assertEquals(expected.policiesFor(workload), actual.policiesFor(workload));
            assertEquals(expected.expectedIdentities(null, workload), actual.expectedIdentities(null, workload));
            assertEquals(
                    expected.localWorkload(workload.name(), NAMESPACE, workload.serviceAccount()),
                    actual.localWorkload(workload.name(), NAMESPACE, workload.serviceAccount()));
            if (!workload.hostname().isEmpty()) {
                NamespacedName key = new NamespacedName(NAMESPACE, workload.hostname());
                assertEquals(expected.workloadByHostname(key), actual.workloadByHostname(key));
            }
        }
    }

    private static void assertSameAt(MeshSnapshot expected, MeshSnapshot actual, String network, IpAddress ip) {
        assertEquals(expected.workloadByAddress(network, ip), actual.workloadByAddress(network, ip), ip::toString);
        assertEquals(
                expected.serviceByVip(network, ip, NAMESPACE),
                actual.serviceByVip(network, ip, NAMESPACE),
                ip::toString);
    }
}
