package io.culvert.agent.xds;

import static io.culvert.agent.mesh.Records.NAMESPACE;
import static io.culvert.agent.mesh.Records.pod;
import static io.culvert.agent.mesh.Records.policy;
import static io.culvert.agent.mesh.Records.service;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.agent.fakeplane.FakeDiscovery;
import io.culvert.agent.mesh.MeshProblem;
import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import io.culvert.protocol.xds.MeshResource;
import io.culvert.protocol.xds.MeshResources;
import io.culvert.testkit.Gen;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** What a control plane tells in any order, over streams that break, against the same applied directly. */
class XdsClientProperties {
    private static final int NAMES = 10;
    private static final String AUTHORIZATION = MeshResources.AUTHORIZATION_TYPE;

    /** What the client is to know in the end, and which names it is to report. */
    private static final class World {
        private final Map<String, MeshResource> known = new LinkedHashMap<>();
        private final Set<String> bad = new TreeSet<>();
        private final Set<String> everPut = new HashSet<>();
        private int versions;
    }

    @Test
    void endsInTheSameSnapshotAsApplyingDirectly() {
        Gen.forAll(20, gen -> {
            try (XdsRig rig = new XdsRig()) {
                World world = new World();
                for (int i = gen.intBetween(0, 10); i > 0; i--) {
                    change(gen, rig.discovery(), world);
                }
                rig.startAndAwait();
                for (int i = gen.intBetween(10, 60); i > 0; i--) {
                    if (gen.oneIn(10)) {
                        rig.discovery().endStreams(gen.pick(Status.OK, Status.UNAVAILABLE, Status.UNKNOWN));
                    } else {
                        change(gen, rig.discovery(), world);
                    }
                }
                MeshSnapshot expected = directly(world);
                rig.until("the client knows the same", () -> assertSame(expected, world, rig.mesh()));
            }
        });
    }

    private static void change(Gen gen, FakeDiscovery discovery, World world) {
        switch (gen.intBetween(0, 5)) {
            case 0, 1 -> {
                List<MeshResource> batch = new ArrayList<>();
                for (int i = gen.intBetween(1, 5); i > 0; i--) {
                    batch.add(resource(gen));
                }
                batch.forEach(each -> put(world, each));
                discovery.put(batch);
            }
            case 2, 3 -> {
                MeshResource resource = resource(gen);
                put(world, resource);
                discovery.put(List.of(resource));
            }
            case 4 -> {
                MeshResource resource = resource(gen);
                world.known.remove(key(resource));
                world.bad.remove(key(resource));
                discovery.remove(MeshResources.typeUrl(resource), resource.resourceName());
            }
            default -> {
                // Only of what was never good: what the client had of it before depends on what it was told in time.
                MeshResource resource = resource(gen);
                if (world.everPut.contains(key(resource))) {
                    return;
                }
                world.bad.add(key(resource));
                discovery.putRaw(List.of(FakeDiscovery.broken(
                        MeshResources.typeUrl(resource), resource.resourceName(), "bad-" + world.versions++)));
            }
        }
    }

    private static void put(World world, MeshResource resource) {
        world.known.put(key(resource), resource);
        world.everPut.add(key(resource));
        world.bad.remove(key(resource));
    }

    private static String key(MeshResource resource) {
        String prefix = MeshResources.typeUrl(resource).equals(AUTHORIZATION) ? "policy " : "";
        return prefix + resource.resourceName();
    }

    private static MeshResource resource(Gen gen) {
        return switch (gen.intBetween(0, 4)) {
            case 0, 1 ->
                new MeshResource.OfWorkload(pod("w-" + gen.intBetween(0, NAMES), "10.0.0." + gen.intBetween(1, 9))
                        .node(gen.pick("node-a", "node-b"))
                        .of("s-" + gen.intBetween(0, NAMES), 80, gen.intBetween(1, 3))
                        .policies(NAMESPACE + "/p-" + gen.intBetween(0, 3))
                        .build());
            case 2, 3 ->
                new MeshResource.OfService(service("s-" + gen.intBetween(0, NAMES))
                        .vip("10.96.0." + gen.intBetween(1, 9))
                        .build());
            default ->
                new MeshResource.OfPolicy(policy(
                        NAMESPACE + "/p-" + gen.intBetween(0, 3),
                        gen.pick(Policy.Scope.class),
                        gen.pick(Policy.Action.class)));
        };
    }

    private static MeshSnapshot directly(World world) {
        MeshSnapshot.Builder builder = MeshSnapshot.empty("node-a").toBuilder().policiesComplete();
        world.known.values().forEach(each -> {
            switch (each) {
                case MeshResource.OfWorkload(var workload) -> builder.upsert(workload);
                case MeshResource.OfService(var service) -> builder.upsert(service);
                case MeshResource.OfPolicy(var policy) -> builder.upsert(policy);
            }
        });
        return builder.build();
    }

    private static void assertSame(MeshSnapshot expected, World world, MeshSnapshot actual) {
        assertEquals(new HashSet<>(expected.workloads()), new HashSet<>(actual.workloads()));
        assertEquals(new HashSet<>(expected.services()), new HashSet<>(actual.services()));
        assertEquals(new HashSet<>(expected.policies()), new HashSet<>(actual.policies()));
        for (Service service : expected.services()) {
            assertEquals(expected.endpoints(service), actual.endpoints(service));
        }
        for (Workload workload : expected.workloads()) {
            assertEquals(expected.policiesFor(workload), actual.policiesFor(workload));
        }
        Set<String> reported = new TreeSet<>();
        actual.problems().stream()
                .filter(each -> each.kind() == MeshProblem.Kind.REJECTED_RESOURCE)
                .forEach(each -> reported.add(each.subject()));
        assertEquals(world.bad, reported);
    }
}
