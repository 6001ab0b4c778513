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

    @Test
    void holdsAHundredThousandWorkloads_in500BytesEach() {
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

        long each = (withWorkloads - withServices) / WORKLOADS;
        System.out.println("mesh footprint: " + each + " bytes a workload, " + (withServices - empty) / SERVICES
                + " bytes a service, " + (withChange - withWorkloads) + " bytes a change of two");
        assertTrue(each <= BYTES_MAX, () -> each + " bytes a workload");
        assertTrue(withChange - withWorkloads < CHANGE_BYTES_MAX);
        assertEquals(WORKLOADS, full.workloadCount());
        assertEquals(WORKLOADS, changed.workloadCount());
        assertEquals(SERVICES, services.serviceCount());
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
