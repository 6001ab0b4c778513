package io.culvert.perf;

import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.protocol.identity.TrustDomain;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.workload.Locality;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.protocol.workload.NetworkAddress;
import io.culvert.protocol.workload.PortMap;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import io.culvert.protocol.workload.WorkloadUid;
import java.util.List;
import java.util.Map;

/** A mesh of any size, with ten workloads to a service. */
public final class BenchMesh {
    /** How many workloads a service has. */
    public static final int ENDPOINTS = 10;

    static final int POD_NET = 10 << 24;
    static final int SERVICE_NET = 172 << 24 | 16 << 16;

    private BenchMesh() {}

    /** A mesh with so many workloads. */
    public static MeshSnapshot of(int workloads) {
        MeshSnapshot.Builder builder = MeshSnapshot.empty("node-0").toBuilder().policiesComplete();
        for (int i = 0; i < workloads / ENDPOINTS; i++) {
            builder.upsert(service(i));
        }
        for (int i = 0; i < workloads; i++) {
            builder.upsert(workload(i, Workload.Health.HEALTHY));
        }
        return builder.build();
    }

    private static NamespacedName key(int service) {
        return new NamespacedName("shop", "app-" + service + ".shop.svc.cluster.local");
    }

    /** The service of a number. */
    public static Service service(int number) {
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

    /** The workload of a number. */
    public static Workload workload(int number, Workload.Health health) {
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
