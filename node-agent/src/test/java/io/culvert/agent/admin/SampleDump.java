package io.culvert.agent.admin;

import io.culvert.agent.config.Role;
import io.culvert.agent.mesh.MeshProblem;
import io.culvert.agent.telemetry.Carriage;
import io.culvert.agent.telemetry.CertificateState;
import io.culvert.agent.telemetry.Direction;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.identity.TrustDomain;
import io.culvert.protocol.net.Cidr;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.policy.Clause;
import io.culvert.protocol.policy.Match;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.policy.Rule;
import io.culvert.protocol.policy.StringMatch;
import io.culvert.protocol.workload.ApplicationTunnel;
import io.culvert.protocol.workload.GatewayAddress;
import io.culvert.protocol.workload.LoadBalancing;
import io.culvert.protocol.workload.Locality;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.protocol.workload.NetworkAddress;
import io.culvert.protocol.workload.PortMap;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import io.culvert.protocol.workload.WorkloadUid;
import java.io.InputStream;
import java.nio.file.Path;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;

/** Views that show one of everything, and one with as little as there may be. */
final class SampleDump implements ConfigDumpSource {
    private static final NamespacedName WAITED_FOR = NamespacedName.parse("shop/later.example");
    private static final NamespacedName SERVER_KEY = NamespacedName.parse("shop/server.shop.svc.cluster.local");
    private static final GatewayAddress WAYPOINT =
            new GatewayAddress.ByAddress(new NetworkAddress("", IpAddress.parse("10.9.0.1")), 15_008);

    private static Workload plain() {
        return new Workload(
                new WorkloadUid("c1//Pod/shop/client"),
                "client",
                "shop",
                List.of(IpAddress.parse("10.0.1.2"), IpAddress.parse("fd00::2")),
                "",
                "",
                Workload.TunnelProtocol.HBONE,
                TrustDomain.CLUSTER_LOCAL,
                "client",
                null,
                null,
                "",
                "",
                "",
                Workload.WorkloadType.DEPLOYMENT,
                "",
                false,
                null,
                Map.of(SERVER_KEY, PortMap.of(80, 8_081), WAITED_FOR, PortMap.of(81, 8_082)),
                List.of(),
                Workload.Health.HEALTHY,
                "",
                Locality.UNKNOWN,
                Workload.NetworkMode.STANDARD,
                1);
    }

    private static Workload full() {
        return new Workload(
                new WorkloadUid("c1//Pod/shop/server"),
                "server-1",
                "shop",
                List.of(IpAddress.parse("10.0.2.3")),
                "server.example",
                "net1",
                Workload.TunnelProtocol.NONE,
                TrustDomain.CLUSTER_LOCAL,
                "server",
                WAYPOINT,
                new GatewayAddress.ByHostname(NamespacedName.parse("istio-system/gateway.example"), 15_008),
                "n2",
                "server",
                "v2",
                Workload.WorkloadType.JOB,
                "server-deploy",
                true,
                new ApplicationTunnel(ApplicationTunnel.Protocol.PROXY, 0),
                Map.of(SERVER_KEY, PortMap.of(80, 8_080)),
                List.of(NamespacedName.parse("shop/allow-client")),
                Workload.Health.UNHEALTHY,
                "c1",
                new Locality("eu", "eu-1", "r7"),
                Workload.NetworkMode.HOST_NETWORK,
                3);
    }

    private static Service service() {
        return new Service(
                "server",
                "shop",
                SERVER_KEY.name(),
                List.of(new NetworkAddress("net1", IpAddress.parse("10.96.0.7"))),
                List.of(new Service.NetworkCidr("net1", Cidr.parse("10.97.0.0/16"))),
                PortMap.of(80, 8_080, 443, 0),
                List.of("spiffe://cluster.local/ns/shop/sa/server"),
                WAYPOINT,
                List.of(new Service.WeightedWaypoint(WAYPOINT, 10)),
                new LoadBalancing(
                        List.of(LoadBalancing.Scope.REGION, LoadBalancing.Scope.NODE),
                        LoadBalancing.Mode.FAILOVER,
                        LoadBalancing.HealthPolicy.ONLY_HEALTHY),
                Service.IpFamilies.IPV4_ONLY,
                true,
                Service.Visibility.NAMESPACE);
    }

    private static Service headless() {
        return new Service(
                "bare",
                "shop",
                "bare.shop.svc.cluster.local",
                List.of(),
                List.of(),
                PortMap.EMPTY,
                List.of(),
                null,
                List.of(),
                null,
                Service.IpFamilies.AUTOMATIC,
                false,
                Service.Visibility.PUBLIC);
    }

    private static Policy policy() {
        Match match = new Match(
                List.of(new StringMatch.Exact("shop")),
                List.of(new StringMatch.Suffix("-dev")),
                List.of(new Match.ServiceAccountMatch("shop", "client")),
                List.of(),
                List.of(new StringMatch.Prefix("cluster.local/ns/shop/")),
                List.of(new StringMatch.Presence()),
                List.of(Cidr.parse("10.0.0.0/8")),
                List.of(),
                List.of(),
                List.of(Cidr.parse("fd00::/8")),
                List.of(80, 443),
                List.of(22));
        return new Policy(
                NamespacedName.parse("shop/allow-client"),
                Policy.Scope.WORKLOAD_SELECTOR,
                Policy.Action.ALLOW,
                List.of(new Rule(List.of(new Clause(List.of(match))))),
                false);
    }

    private static X509Certificate certificate() {
        try (InputStream in = SampleDump.class.getResourceAsStream("leaf.pem")) {
            return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public MeshView mesh() {
        return new MeshView(
                List.of(full(), plain()),
                List.of(service(), headless()),
                List.of(policy(), everyone()),
                List.of(new MeshProblem(
                        MeshProblem.Kind.ALTERED_RESOURCE,
                        "policy shop/large",
                        "rules has more entries than allowed")));
    }

    @Override
    public MeshView staticMesh() {
        return new MeshView(List.of(full()), List.of(service()), List.of(everyone()));
    }

    private static Policy everyone() {
        return new Policy(
                NamespacedName.parse("istio-system/nobody"), Policy.Scope.GLOBAL, Policy.Action.DENY, List.of(), true);
    }

    @Override
    public List<CertificateView> certificates() {
        return List.of(
                new CertificateView(
                        SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/waiting"),
                        CertificateState.INITIALIZING,
                        "",
                        List.of(),
                        List.of()),
                new CertificateView(
                        SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/server"),
                        CertificateState.UNAVAILABLE,
                        "the authority said no",
                        List.of(),
                        List.of()),
                new CertificateView(
                        SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/client"),
                        CertificateState.AVAILABLE,
                        "",
                        List.of(certificate()),
                        List.of(certificate())));
    }

    @Override
    public List<PodView> pods() {
        IpPort client = new IpPort(IpAddress.parse("10.0.1.2"), 40_000);
        ConnectionView outbound = new ConnectionView(
                Direction.OUTBOUND,
                client,
                "10.96.0.7:80",
                new IpPort(IpAddress.parse("10.0.2.3"), 15_008),
                Carriage.HBONE);
        ConnectionView gateway = new ConnectionView(
                Direction.OUTBOUND,
                client,
                "10.96.0.9:443",
                new IpPort(IpAddress.parse("10.0.9.1"), 15_008),
                Carriage.DOUBLE_HBONE);
        ConnectionView direct = new ConnectionView(
                Direction.OUTBOUND,
                client,
                "192.0.2.7:443",
                new IpPort(IpAddress.parse("192.0.2.7"), 443),
                Carriage.TCP);
        ConnectionView named = new ConnectionView(
                Direction.INBOUND,
                client,
                SERVER_KEY.name(),
                new IpPort(IpAddress.parse("10.0.2.3"), 8_080),
                Carriage.HBONE);
        ConnectionView inbound = new ConnectionView(
                Direction.INBOUND, client, null, new IpPort(IpAddress.parse("10.0.2.3"), 8_080), Carriage.TCP);
        return List.of(
                new PodView("u2", "server-1", "shop", "server", "no netns yet", List.of()),
                new PodView("u1", "client", "shop", "client", "", List.of(outbound, gateway, direct, inbound, named)));
    }

    @Override
    public MeshFileView meshFile() {
        return new MeshFileView(
                Path.of("/etc/culvert/mesh.yaml"), "sha256:abc", "/etc/culvert/mesh.yaml:7: no such service");
    }

    @Override
    public AgentView agent() {
        return new AgentView(Role.ALL, 2, "turned off", Map.of("netty", "4.2", "tcnative", "2.0"));
    }
}
