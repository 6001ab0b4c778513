package io.culvert.agent.mesh;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.workload.NamespacedName;
import io.culvert.protocol.workload.Workload;
import org.junit.jupiter.api.Test;

/** What a large mesh weighs, from records that share nothing, as a decoder makes them. */
class MeshFootprintTest {
    private static final int WORKLOADS = 100_000;
    private static final int SERVICES = 10_000;
    private static final int BYTES_MAX = 500;
    private static final int CHANGE_BYTES_MAX = 256 * 1024;

    /** Whatever other tests of this JVM leave to its collector is weighed with it, so it may take more than one try. */
    private static final int TRIES = 5;

    private record Weights(long workload, long service, long change) {
        boolean fit() {
            return workload <= BYTES_MAX && change >= 0 && change < CHANGE_BYTES_MAX;
        }
    }

    @Test
    void holdsAHundredThousandWorkloads_in500BytesEach() {
        Weights weights = weigh();
        for (int tries = 1; tries < TRIES && !weights.fit(); tries++) {
            weights = weigh();
        }
        assertTrue(weights.fit(), weights.toString());
        System.out.println("mesh footprint in bytes: " + weights);
    }

    private static Weights weigh() {
        long empty = used();
        MeshSnapshot.Builder builder = MeshSnapshot.empty("node-0").toBuilder().policiesComplete();
        for (int i = 0; i < SERVICES; i++) {
            builder.upsert(Records.service("app-" + i)
                    .vip("10.96." + (i >> 8) + "." + (i & 255))
                    .build());
        }
        MeshSnapshot services = builder.build();
        long withServices = used();
        MeshSnapshot.Builder more = services.toBuilder();
        for (int i = 0; i < WORKLOADS; i++) {
            more.upsert(workload(i));
        }
        MeshSnapshot full = more.build();
        long withWorkloads = used();
        MeshSnapshot changed = full.toBuilder()
                .upsert(workload(WORKLOADS))
                .remove(workload(7).uid())
                .build();
        long withChange = used();
        assertEquals(WORKLOADS, full.workloadCount());
        assertEquals(WORKLOADS, changed.workloadCount());
        assertEquals(SERVICES, services.serviceCount());
        return new Weights(
                (withWorkloads - withServices) / WORKLOADS,
                (withServices - empty) / SERVICES,
                withChange - withWorkloads);
    }

    /** Names as long as they are in clusters, each text an object of its own. */
    private static Workload workload(int number) {
        String app = "app-" + number % SERVICES;
        return Records.pod(
                        app + "-7d9c5b6f4d-" + Integer.toString(number + 10_000_000, 36),
                        "10." + (128 + (number >> 16)) + "." + (number >> 8 & 255) + "." + (number & 255))
                .hbone()
                .app(new String(app.toCharArray()))
                .serviceAccount(app)
                .namespace("namespace-" + number % 100)
                .node("node-" + number % 1_000)
                .cluster("cluster-" + number % 2)
                .locality("region-" + number % 3, "zone-" + number % 9, "")
                .ofKey(new NamespacedName(Records.NAMESPACE, app + "." + Records.NAMESPACE + ".svc") + "", 80, 8080)
                .build();
    }

    private static long used() {
        Runtime runtime = Runtime.getRuntime();
        long used = Long.MAX_VALUE;
        for (int i = 0; i < 3; i++) {
            System.gc();
            used = Math.min(used, runtime.totalMemory() - runtime.freeMemory());
        }
        return used;
    }
}
