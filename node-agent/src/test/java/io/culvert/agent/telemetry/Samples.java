package io.culvert.agent.telemetry;

import io.culvert.protocol.identity.TrustDomain;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.workload.Locality;
import io.culvert.protocol.workload.Workload;
import io.culvert.protocol.workload.WorkloadUid;
import java.util.List;
import java.util.Map;

/** Workloads and connections to tell of. */
final class Samples {
    static final Workload CLIENT = workload("client-7d9-x", "client", "10.0.1.2", new Locality("eu", "eu-1", ""));
    static final Workload SERVER = workload("server-5c4-y", "server", "10.0.2.3", Locality.UNKNOWN);
    static final IpPort CLIENT_SOCKET = new IpPort(IpAddress.parse("10.0.1.2"), 40_000);
    static final IpPort SERVER_HBONE = new IpPort(IpAddress.parse("10.0.2.3"), 15_008);

    private Samples() {}

    static Workload workload(String pod, String name, String ip, Locality locality) {
        return new Workload(
                new WorkloadUid("c1//Pod/shop/" + pod),
                pod,
                "shop",
                List.of(IpAddress.parse(ip)),
                "",
                "",
                Workload.TunnelProtocol.HBONE,
                TrustDomain.CLUSTER_LOCAL,
                name,
                null,
                null,
                "n1",
                name,
                "v1",
                Workload.WorkloadType.DEPLOYMENT,
                name + "-deploy",
                false,
                null,
                Map.of(),
                List.of(),
                Workload.Health.HEALTHY,
                "c1",
                locality,
                Workload.NetworkMode.STANDARD,
                1);
    }

    static ConnectionFacts tunnelled(Direction direction) {
        return new ConnectionFacts(
                direction,
                Party.of(CLIENT_SOCKET, CLIENT, CLIENT.identity()),
                Party.of(SERVER_HBONE, SERVER, SERVER.identity()),
                new ServiceLabels("server.shop.svc.cluster.local", "shop", "server"),
                true,
                "10.0.2.3:80");
    }

    static ConnectionFacts plaintext() {
        IpPort stranger = new IpPort(IpAddress.parse("fd00::1"), 50_000);
        IpPort server = new IpPort(IpAddress.parse("10.0.2.3"), 80);
        return new ConnectionFacts(
                Direction.INBOUND,
                Party.of(stranger, null, null),
                Party.of(server, SERVER, SERVER.identity()),
                ServiceLabels.UNKNOWN,
                false,
                null);
    }
}
