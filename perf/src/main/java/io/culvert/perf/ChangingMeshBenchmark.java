package io.culvert.perf;

import io.culvert.agent.mesh.MeshStore;
import io.culvert.agent.route.Route;
import io.culvert.agent.route.Router;
import io.culvert.agent.route.RouterSettings;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.workload.Workload;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Group;
import org.openjdk.jmh.annotations.GroupThreads;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What one routing decision costs on a loop while the mesh changes as fast as it can: nothing makes the one wait for the other. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class ChangingMeshBenchmark {
    /** What the mesh is now. */
    @State(Scope.Group)
    public static class Mesh {
        /** How many workloads the mesh has. */
        @Param({"100", "100000"})
        public int workloads;

        private MeshStore store;
        private Workload source;
        private IpPort[] services;

        /** Makes the mesh, and the destinations that are taken turns with. */
        @Setup
        public void make() {
            SplittableRandom random = new SplittableRandom(1);
            store = new MeshStore(BenchMesh.of(workloads));
            source = BenchMesh.workload(0, Workload.Health.HEALTHY);
            services = new IpPort[1 << 12];
            for (int i = 0; i < services.length; i++) {
                int service = random.nextInt(workloads / BenchMesh.ENDPOINTS);
                services[i] = new IpPort(IpAddress.ofV4(BenchMesh.SERVICE_NET + service), 80);
            }
        }
    }

    /** One loop's. */
    @State(Scope.Thread)
    public static class OnLoop {
        private final SplittableRandom random = new SplittableRandom(2);
        private final Router router = new Router(new SplittableRandom(3), RouterSettings.DEFAULTS);
        private boolean healthy;
    }

    @Benchmark
    @Group("changing")
    @GroupThreads(1)
    public Route toService(Mesh mesh, OnLoop loop) {
        return loop.router.outbound(
                mesh.store.current(), mesh.source, mesh.services[loop.random.nextInt(mesh.services.length)]);
    }

    /** A pod turns unhealthy, or healthy. */
    @Benchmark
    @Group("changing")
    @GroupThreads(1)
    public void change(Mesh mesh, OnLoop writer) {
        writer.healthy = !writer.healthy;
        Workload.Health health = writer.healthy ? Workload.Health.HEALTHY : Workload.Health.UNHEALTHY;
        mesh.store.publish(mesh.store.current().toBuilder()
                .upsert(BenchMesh.workload(writer.random.nextInt(mesh.workloads), health))
                .build());
    }
}
