package io.culvert.agent.xds;

import static io.culvert.agent.mesh.Records.pod;
import static io.culvert.agent.mesh.Records.service;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.base.Ticker;
import io.culvert.agent.config.NodeConfig;
import io.culvert.agent.config.NodeMetadata;
import io.culvert.agent.config.Role;
import io.culvert.agent.config.ServerConfig;
import io.culvert.agent.config.Token;
import io.culvert.agent.fakeplane.FakeControlPlane;
import io.culvert.agent.grpc.GrpcLoop;
import io.culvert.agent.grpc.ServerLink;
import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.mesh.MeshStore;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.agent.tls.TlsProfile;
import io.culvert.protocol.identity.TrustDomain;
import io.culvert.protocol.wire.discovery.DeltaDiscoveryResponse;
import io.culvert.protocol.workload.Workload;
import io.culvert.protocol.workload.WorkloadUid;
import io.culvert.protocol.xds.MeshResource;
import io.culvert.protocol.xds.MeshResources;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * What a large mesh costs, through a real stream: {@code serve DIR WORKLOADS SERVICES} in one process, {@code follow DIR SECONDS}
 * in another with the agent's own JVM flags.
 *
 * <p>The server changes a workload's port a thousand times a second; the port tells when it did, so that the follower knows how
 * long the change took to be published.
 */
final class XdsScaleRun {
    private static final int CHANGES_PER_SECOND = 1_000;
    private static final int CLOCK_MODULO = 60_000;
    /** The port of a workload that was not changed yet, which no stamp may look like. */
    private static final int UNCHANGED = 1;

    private XdsScaleRun() {}

    public static void main(String[] arguments) throws Exception {
        Path dir = Path.of(arguments[1]);
        if (arguments[0].equals("serve")) {
            serve(dir, Integer.parseInt(arguments[2]), Integer.parseInt(arguments[3]));
        } else {
            follow(dir, Integer.parseInt(arguments[2]));
        }
    }

    private static Workload workload(int i, int services, int port) {
        return pod("app-" + i, "10." + (i >> 16) + "." + (i >> 8 & 255) + "." + (i & 255))
                .hbone()
                .node("node-" + i % 1_000)
                .serviceAccount("account-" + i % services)
                .app("app-" + i % services)
                .of("svc-" + i % services, 80, port)
                .build();
    }

    private static int stamp() {
        return UNCHANGED + 1 + (int) (System.nanoTime() / 1_000_000 % CLOCK_MODULO);
    }

    private static void serve(Path dir, int workloads, int services) throws Exception {
        List<MeshResource> all = new ArrayList<>();
        for (int i = 0; i < services; i++) {
            all.add(new MeshResource.OfService(service("svc-" + i)
                    .vip("10.200." + (i >> 8) + "." + (i & 255))
                    .build()));
        }
        for (int i = 0; i < workloads; i++) {
            all.add(new MeshResource.OfWorkload(workload(i, services, UNCHANGED)));
        }
        FakeControlPlane plane = FakeControlPlane.start();
        plane.discovery().put(all);
        Files.writeString(dir.resolve("root.pem"), plane.rootPem());
        Files.writeString(dir.resolve("port"), String.valueOf(plane.port()));
        System.out.println("serving " + workloads + " workloads");
        while (!Files.exists(dir.resolve("churn"))) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
        }
        long begin = System.nanoTime();
        for (int i = 0; !Files.exists(dir.resolve("stop")); i++) {
            plane.discovery()
                    .say(DeltaDiscoveryResponse.newBuilder()
                            .setTypeUrl(MeshResources.ADDRESS_TYPE)
                            .setNonce("c" + i)
                            .addResources(MeshResources.encode(
                                    new MeshResource.OfWorkload(workload(i * 7919 % workloads, services, stamp()))))
                            .build());
            long due = begin + (i + 1) * (TimeUnit.SECONDS.toNanos(1) / CHANGES_PER_SECOND);
            LockSupport.parkNanos(due - System.nanoTime());
        }
        plane.close();
    }

    private static void follow(Path dir, int seconds) throws Exception {
        ServerConfig server = new ServerConfig(
                "localhost",
                Integer.parseInt(Files.readString(dir.resolve("port"))),
                false,
                dir.resolve("root.pem").toString(),
                "",
                Map.of());
        MeshStore store = new MeshStore(MeshSnapshot.empty("node-1"));
        CountDownLatch ready = new CountDownLatch(1);
        long begin = System.nanoTime();
        try (GrpcLoop loop = new GrpcLoop();
                XdsClient client = new XdsClient(
                        NodeDescription.of(
                                new NodeConfig(
                                        Role.ALL, "node-1", "c", "", TrustDomain.CLUSTER_LOCAL, Path.of("unused")),
                                new NodeMetadata("z", "istio-system", "", Map.of(), Map.of())),
                        false,
                        new XdsClient.Surroundings(
                                new ServerLink(
                                        server,
                                        TlsProfile.STANDARD,
                                        new Token.None(),
                                        "c",
                                        loop,
                                        XdsClient.MESSAGE_BYTES_MAX),
                                store,
                                new Metrics("scale", BuildVersion.current()),
                                Ticker.SYSTEM,
                                () -> 0.5),
                        ready::countDown)) {
            client.start();
            ready.await();
            System.out.printf(Locale.ROOT, "ready after %d ms%n", (System.nanoTime() - begin) / 1_000_000);
            report("ready");
            System.gc();
            report("after a full collection");
            churn(dir, store, seconds);
            System.gc();
            report("after churn and a full collection");
        }
    }

    private static void churn(Path dir, MeshStore store, int seconds) throws Exception {
        int workloads = store.current().workloadCount();
        long[] latencies = new long[CHANGES_PER_SECOND * seconds * 2];
        int count = 0;
        int publications = 0;
        long version = store.current().version();
        long collectionsBefore = collectionMillis();
        long cpuBefore = cpuMillis();
        Files.writeString(dir.resolve("churn"), "");
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        int next = 0;
        while (System.nanoTime() < end) {
            MeshSnapshot now = store.current();
            if (now.version() == version) {
                LockSupport.parkNanos(500_000);
                continue;
            }
            version = now.version();
            publications++;
            int stamp = stamp();
            while (count < latencies.length) {
                Workload changed = now.workload(new WorkloadUid("cluster//Pod/shop/app-" + next * 7919 % workloads));
                int port = changed == null
                        ? UNCHANGED
                        : changed.services().values().iterator().next().target(80);
                if (port == UNCHANGED) {
                    break;
                }
                latencies[count++] = Math.floorMod(stamp - port, CLOCK_MODULO);
                next++;
            }
        }
        Files.writeString(dir.resolve("stop"), "");
        long[] sorted = Arrays.copyOf(latencies, count);
        Arrays.sort(sorted);
        System.out.printf(
                Locale.ROOT,
                "%d changes in %d publications; latency ms p50 %d p99 %d max %d; collections %d ms, cpu %d ms of %d s%n",
                count,
                publications,
                sorted[count / 2],
                sorted[count * 99 / 100],
                sorted[count - 1],
                collectionMillis() - collectionsBefore,
                cpuMillis() - cpuBefore,
                seconds);
    }

    private static long collectionMillis() {
        return ManagementFactory.getGarbageCollectorMXBeans().stream()
                .mapToLong(GarbageCollectorMXBean::getCollectionTime)
                .sum();
    }

    private static long cpuMillis() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean system
                ? system.getProcessCpuTime() / 1_000_000
                : 0;
    }

    private static void report(String when) throws Exception {
        StringBuilder collections = new StringBuilder();
        for (GarbageCollectorMXBean each : ManagementFactory.getGarbageCollectorMXBeans()) {
            collections.append(' ').append(each.getName()).append(' ').append(each.getCollectionCount());
            collections.append('x').append(' ').append(each.getCollectionTime()).append("ms");
        }
        String memory = Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("VmRSS") || line.startsWith("VmHWM"))
                .map(line -> line.replaceAll("\\s+", " "))
                .reduce("", (a, b) -> a + " " + b);
        System.out.printf(
                Locale.ROOT,
                "%s: heap %d MB,%s,%s, cpu %d ms%n",
                when,
                ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed() >> 20,
                memory,
                collections,
                cpuMillis());
    }
}
