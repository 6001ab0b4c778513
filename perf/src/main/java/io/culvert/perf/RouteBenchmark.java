package io.culvert.perf;

import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.route.InboundRoute;
import io.culvert.agent.route.Route;
import io.culvert.agent.route.Router;
import io.culvert.agent.route.RouterSettings;
import io.culvert.protocol.hbone.ConnectTarget;
import io.culvert.protocol.identity.TrustDomain;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.workload.Locality;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.protocol.workload.NetworkAddress;
import io.culvert.protocol.workload.PortMap;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import io.culvert.protocol.workload.WorkloadUid;
import java.util.List;
import java.util.Map;
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
    private static final int ENDPOINTS = 10;
    private static final int POD_NET = 10 << 24;
    private static final int SERVICE_NET = 172 << 24 | 16 << 16;

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
        MeshSnapshot.Builder builder = MeshSnapshot.empty("node-0").toBuilder().policiesComplete();
        for (int i = 0; i < workloads / ENDPOINTS; i++) {
            builder.upsert(service(i));
        }
        for (int i = 0; i < workloads; i++) {
            builder.upsert(workload(i, Workload.Health.HEALTHY));
        }
        mesh = builder.build();
        source = workload(0, Workload.Health.HEALTHY);
        pods = new IpPort[1 << 12];
        services = new IpPort[1 << 12];
        for (int i = 0; i < pods.length; i++) {
            pods[i] = new IpPort(IpAddress.ofV4(POD_NET + random.nextInt(workloads)), 80);
            services[i] = new IpPort(IpAddress.ofV4(SERVICE_NET + random.nextInt(workloads / ENDPOINTS)), 80);
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
                .upsert(workload(random.nextInt(workloads), Workload.Health.UNHEALTHY))
                .build();
    }

    private static NamespacedName key(int service) {
        return new NamespacedName("shop", "app-" + service + ".shop.svc.cluster.local");
    }

    private static Service service(int number) {
        return new Service(
                "app-" + number,
                "shop",
                key(number).name(),
                List.of(new NetworkAddress("", IpAddress.ofV4(SERVICE_NET + number))),
                List.of(),
                PortMap.of(80, 8080),
                List.of(),
                null,
                List.of(),
                null,
                Service.IpFamilies.AUTOMATIC,
                true,
                Service.Visibility.PUBLIC);
    }

    private static Workload workload(int number, Workload.Health health) {
        int service = number / ENDPOINTS;
        String name = "app-" + service + "-" + Integer.toString(number, 36);
        return new Workload(
                new WorkloadUid("cluster//Pod/shop/" + name),
                name,
                "shop",
                List.of(IpAddress.ofV4(POD_NET + number)),
                "",
                "",
                Workload.TunnelProtocol.HBONE,
                TrustDomain.CLUSTER_LOCAL,
                "app-" + service,
                null,
                null,
                "node-" + number % 1_000,
                "app-" + service,
                "v1",
                Workload.WorkloadType.POD,
                "app-" + service,
                false,
                null,
                Map.of(key(service), PortMap.of(80, 8080)),
                List.of(),
                health,
                "cluster",
                Locality.UNKNOWN,
                Workload.NetworkMode.STANDARD,
                1);
    }
}
