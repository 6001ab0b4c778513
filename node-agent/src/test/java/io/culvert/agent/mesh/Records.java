package io.culvert.agent.mesh;

import io.culvert.protocol.identity.TrustDomain;
import io.culvert.protocol.net.Cidr;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.policy.Clause;
import io.culvert.protocol.policy.Match;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.policy.Rule;
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
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Short spellings of mesh records for tests. */
public final class Records {
    public static final String NAMESPACE = "shop";

    private Records() {}

    public static IpAddress ip(String text) {
        return IpAddress.parse(text);
    }

    public static IpPort at(String ip, int port) {
        return new IpPort(ip(ip), port);
    }

    public static NamespacedName key(String text) {
        return NamespacedName.parse(text);
    }

    public static GatewayAddress byIp(String ip) {
        return byIp("", ip, 15_008);
    }

    public static GatewayAddress byIp(String network, String ip, int port) {
        return new GatewayAddress.ByAddress(new NetworkAddress(network, ip(ip)), port);
    }

    public static GatewayAddress byHost(String key, int port) {
        return new GatewayAddress.ByHostname(key(key), port);
    }

    /** A pod of this name in {@link #NAMESPACE}, on node {@code node-a}, with plain TCP. */
    public static WorkloadSpec pod(String name, String... addresses) {
        return new WorkloadSpec("cluster//Pod/" + NAMESPACE + "/" + name, name, addresses);
    }

    /** Something that is not a pod. */
    public static WorkloadSpec external(String name, String... addresses) {
        return new WorkloadSpec("cluster/networking.istio.io/WorkloadEntry/" + NAMESPACE + "/" + name, name, addresses);
    }

    /** A service {@code <name>.<NAMESPACE>.svc} with port 80 to target 8080. */
    public static ServiceSpec service(String name) {
        return new ServiceSpec(name);
    }

    /** An enforced policy without rules. */
    public static Policy policy(String key, Policy.Scope scope, Policy.Action action, Rule... rules) {
        return new Policy(key(key), scope, action, List.of(rules), false);
    }

    /** A policy that denies the connections of a namespace to these ports. */
    public static Policy denyPorts(String key, List<Integer> ports) {
        Match match = new Match(
                List.of(), List.of(), List.of(), List.of(), List.of(), List.of(), List.of(), List.of(), List.of(),
                List.of(), ports, List.of());
        return policy(key, Policy.Scope.NAMESPACE, Policy.Action.DENY, new Rule(List.of(new Clause(List.of(match)))));
    }

    /** A mesh with these workloads and services beside what is in another. */
    public static MeshSnapshot mesh(MeshSnapshot other, Record... records) {
        MeshSnapshot.Builder builder = other.toBuilder();
        for (Record each : records) {
            switch (each) {
                case Workload workload -> builder.upsert(workload);
                case Service service -> builder.upsert(service);
                default -> throw new IllegalArgumentException(each.toString());
            }
        }
        return builder.build();
    }

    /** A workload in the making. */
    public static final class WorkloadSpec {
        private String uid;
        private final String name;
        private final List<IpAddress> addresses = new ArrayList<>();
        private final Map<NamespacedName, PortMap> services = new LinkedHashMap<>();
        private List<NamespacedName> policies = List.of();
        private String namespace = NAMESPACE;
        private TrustDomain trustDomain = TrustDomain.CLUSTER_LOCAL;
        private String hostname = "";
        private String network = "";
        private String node = "node-a";
        private String serviceAccount;
        private String cluster = "cluster";
        private Workload.TunnelProtocol protocol = Workload.TunnelProtocol.NONE;
        private Workload.Health health = Workload.Health.HEALTHY;
        private Workload.NetworkMode networkMode = Workload.NetworkMode.STANDARD;
        private Locality locality = Locality.UNKNOWN;
        private int capacity = 1;
        private @Nullable String app;
        private @Nullable GatewayAddress waypoint;
        private @Nullable GatewayAddress gateway;
        private @Nullable ApplicationTunnel tunnel;

        private WorkloadSpec(String uid, String name, String... addresses) {
            this.uid = uid;
            this.name = name;
            this.serviceAccount = name;
            for (String address : addresses) {
                this.addresses.add(ip(address));
            }
        }

        public WorkloadSpec hbone() {
            protocol = Workload.TunnelProtocol.HBONE;
            return this;
        }

        public WorkloadSpec unhealthy() {
            health = Workload.Health.UNHEALTHY;
            return this;
        }

        public WorkloadSpec hostNetwork() {
            networkMode = Workload.NetworkMode.HOST_NETWORK;
            return this;
        }

        /** What it belongs to; itself otherwise. */
        public WorkloadSpec app(String value) {
            app = value;
            return this;
        }

        public WorkloadSpec namespace(String value) {
            namespace = value;
            return this;
        }

        public WorkloadSpec serviceAccount(String value) {
            serviceAccount = value;
            return this;
        }

        public WorkloadSpec trustDomain(String value) {
            trustDomain = new TrustDomain(value);
            return this;
        }

        public WorkloadSpec hostname(String value) {
            hostname = value;
            return this;
        }

        public WorkloadSpec network(String value) {
            network = value;
            return this;
        }

        public WorkloadSpec node(String value) {
            node = value;
            return this;
        }

        public WorkloadSpec uid(String value) {
            uid = value;
            return this;
        }

        public WorkloadSpec cluster(String value) {
            cluster = value;
            return this;
        }

        public WorkloadSpec locality(String region, String zone, String subzone) {
            locality = new Locality(region, zone, subzone);
            return this;
        }

        public WorkloadSpec capacity(int value) {
            capacity = value;
            return this;
        }

        public WorkloadSpec waypoint(GatewayAddress value) {
            waypoint = value;
            return this;
        }

        public WorkloadSpec gateway(GatewayAddress value) {
            gateway = value;
            return this;
        }

        public WorkloadSpec tunnel(ApplicationTunnel.Protocol wanted, int port) {
            tunnel = new ApplicationTunnel(wanted, port);
            return this;
        }

        public WorkloadSpec policies(String... keys) {
            policies = List.of(keys).stream().map(Records::key).toList();
            return this;
        }

        /** Makes it an endpoint of {@code <name>.<NAMESPACE>.svc}. */
        public WorkloadSpec of(String service, int... ports) {
            services.put(new NamespacedName(NAMESPACE, service + "." + NAMESPACE + ".svc"), PortMap.of(ports));
            return this;
        }

        public WorkloadSpec ofKey(String key, int... ports) {
            services.put(key(key), PortMap.of(ports));
            return this;
        }

        public Workload build() {
            return new Workload(
                    new WorkloadUid(uid),
                    name,
                    namespace,
                    addresses,
                    hostname,
                    network,
                    protocol,
                    trustDomain,
                    serviceAccount,
                    waypoint,
                    gateway,
                    node,
                    app != null ? app : name,
                    "v1",
                    Workload.WorkloadType.POD,
                    app != null ? app : name,
                    false,
                    tunnel,
                    services,
                    policies,
                    health,
                    cluster,
                    locality,
                    networkMode,
                    capacity);
        }
    }

    /** A service in the making. */
    public static final class ServiceSpec {
        private final String name;
        private final List<NetworkAddress> vips = new ArrayList<>();
        private final List<Service.NetworkCidr> ranges = new ArrayList<>();
        private final List<Service.WeightedWaypoint> weighted = new ArrayList<>();
        private String namespace = NAMESPACE;
        private @Nullable String hostname;
        private PortMap ports = PortMap.of(80, 8080);
        private List<String> sans = List.of();
        private @Nullable GatewayAddress waypoint;
        private @Nullable LoadBalancing balancing;
        private Service.IpFamilies families = Service.IpFamilies.AUTOMATIC;
        private boolean canonical;
        private Service.Visibility visibility = Service.Visibility.PUBLIC;

        private ServiceSpec(String name) {
            this.name = name;
        }

        public ServiceSpec namespace(String value) {
            namespace = value;
            return this;
        }

        public ServiceSpec hostname(String value) {
            hostname = value;
            return this;
        }

        public ServiceSpec vip(String ip) {
            return vip("", ip);
        }

        public ServiceSpec vip(String network, String ip) {
            vips.add(new NetworkAddress(network, ip(ip)));
            return this;
        }

        public ServiceSpec range(String cidr) {
            return range("", cidr);
        }

        public ServiceSpec range(String network, String cidr) {
            ranges.add(new Service.NetworkCidr(network, Cidr.parse(cidr)));
            return this;
        }

        public ServiceSpec ports(int... pairs) {
            ports = PortMap.of(pairs);
            return this;
        }

        public ServiceSpec sans(String... values) {
            sans = List.of(values);
            return this;
        }

        public ServiceSpec waypoint(GatewayAddress value) {
            waypoint = value;
            return this;
        }

        public ServiceSpec weighted(GatewayAddress value, long weight) {
            weighted.add(new Service.WeightedWaypoint(value, weight));
            return this;
        }

        public ServiceSpec balancing(LoadBalancing.Mode mode, LoadBalancing.Scope... scopes) {
            balancing = new LoadBalancing(List.of(scopes), mode, LoadBalancing.HealthPolicy.ONLY_HEALTHY);
            return this;
        }

        public ServiceSpec allowAll() {
            balancing = new LoadBalancing(List.of(), LoadBalancing.Mode.STANDARD, LoadBalancing.HealthPolicy.ALLOW_ALL);
            return this;
        }

        public ServiceSpec families(Service.IpFamilies value) {
            families = value;
            return this;
        }

        public ServiceSpec canonical() {
            canonical = true;
            return this;
        }

        public ServiceSpec hidden() {
            visibility = Service.Visibility.NAMESPACE;
            return this;
        }

        public Service build() {
            return new Service(
                    name,
                    namespace,
                    hostname != null ? hostname : name + "." + namespace + ".svc",
                    vips,
                    ranges,
                    ports,
                    sans,
                    waypoint,
                    weighted,
                    balancing,
                    families,
                    canonical,
                    visibility);
        }
    }
}
