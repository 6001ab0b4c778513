package io.culvert.perf;

import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.route.InboundRoute;
import io.culvert.agent.route.Route;
import io.culvert.agent.route.Router;
import io.culvert.agent.route.RouterSettings;
import io.culvert.protocol.hbone.ConnectTarget;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.workload.Workload;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What one routing decision and one change of the mesh cost, in a small mesh and in a large one. Ten workloads a service. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class RouteBenchmark {
    /** How many workloads the mesh has. */
    @Param({"100", "100000"})
    public int workloads;

    private final SplittableRandom random = new SplittableRandom(1);
    private final Router router = new Router(new SplittableRandom(2), RouterSettings.DEFAULTS);
    private MeshSnapshot mesh;
    private Workload source;
    private IpPort[] pods;
    private IpPort[] services;

    /** Makes the mesh, and the destinations that the benchmarks take turns with. */
    @Setup
    public void makeMesh() {
        mesh = BenchMesh.of(workloads);
        source = BenchMesh.workload(0, Workload.Health.HEALTHY);
        pods = new IpPort[1 << 12];
        services = new IpPort[1 << 12];
        for (int i = 0; i < pods.length; i++) {
            pods[i] = new IpPort(IpAddress.ofV4(BenchMesh.POD_NET + random.nextInt(workloads)), 80);
            services[i] = new IpPort(
                    IpAddress.ofV4(BenchMesh.SERVICE_NET + random.nextInt(workloads / BenchMesh.ENDPOINTS)), 80);
        }
    }

    @Benchmark
    public Route toPod() {
        return router.outbound(mesh, source, pods[random.nextInt(pods.length)]);
    }

    @Benchmark
    public Route toService() {
        return router.outbound(mesh, source, services[random.nextInt(services.length)]);
    }

    @Benchmark
    public Route toUnknown() {
        return router.outbound(mesh, source, new IpPort(IpAddress.ofV4(random.nextInt() | 0xf000_0000), 443));
    }

    @Benchmark
    public InboundRoute fromTunnel() {
        IpAddress ip = source.addresses().getFirst();
        return router.inbound(mesh, source, ip, new ConnectTarget.IpTarget(ip, 8080));
    }

    /** One pod turns unhealthy. */
    @Benchmark
    public MeshSnapshot change() {
        return mesh.toBuilder()
                .upsert(BenchMesh.workload(random.nextInt(workloads), Workload.Health.UNHEALTHY))
                .build();
    }
}
