package io.culvert.control.file;

import io.culvert.control.file.yaml.Field;
import io.culvert.control.file.yaml.Fields;
import io.culvert.control.file.yaml.Names;
import io.culvert.protocol.identity.TrustDomain;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.workload.ApplicationTunnel;
import io.culvert.protocol.workload.GatewayAddress;
import io.culvert.protocol.workload.Locality;
import io.culvert.protocol.workload.Workload;
import io.culvert.protocol.workload.WorkloadUid;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Reads the entries of {@code workloads}. */
final class WorkloadSection {
    private static final Map<String, Workload.TunnelProtocol> PROTOCOLS =
            Map.of("HBONE", Workload.TunnelProtocol.HBONE, "TCP", Workload.TunnelProtocol.NONE);
    private static final Map<String, ApplicationTunnel.Protocol> TUNNEL_PROTOCOLS =
            Map.of("NONE", ApplicationTunnel.Protocol.NONE, "PROXY", ApplicationTunnel.Protocol.PROXY);
    private static final String UID_FIX = "use 1..1024 characters";
    private static final int PATH_MAX = 4_095;

    private final MeshFile.Settings settings;
    private final GatewaySection gateways;

    WorkloadSection(MeshFile.Settings settings, GatewaySection gateways) {
        this.settings = settings;
        this.gateways = gateways;
    }

    List<WorkloadDraft> read(Fields root) {
        List<WorkloadDraft> drafts = new ArrayList<>();
        for (Field entry : root.list("workloads")) {
            Fields fields = entry.fields();
            if (fields != null) {
                drafts.add(workload(fields));
                fields.finish();
            }
        }
        return drafts;
    }

    private WorkloadDraft workload(Fields w) {
        Field nameField = w.required("name");
        String parsedName = nameField == null ? null : nameField.parsed(Names::subdomain, Names.SUBDOMAIN_FIX);
        String name = parsedName == null ? "" : parsedName;
        String namespace = w.parsed("namespace", Names::label, Names.LABEL_FIX, "default");
        String network = w.text("network", settings.network());
        String cluster = w.text("clusterId", settings.clusterId());
        WorkloadUid uid = w.parsed(
                "uid", WorkloadUid::new, UID_FIX, new WorkloadUid(cut(cluster) + "//Pod/" + namespace + "/" + name));
        String node = w.text("node", "");
        LocalPod pod = pod(w, uid, node);
        String workloadName = w.text("workloadName", name);
        GatewayAddress waypoint = gateways.read(w, "waypoint", namespace, network);
        GatewayAddress networkGateway = gateways.read(w, "networkGateway", namespace, network);
        Workload workload = new Workload(
                uid,
                name,
                namespace,
                addresses(w),
                w.parsed("hostname", Names::hostname, Names.SUBDOMAIN_FIX, ""),
                network,
                protocol(w, pod),
                w.parsed(
                        "trustDomain",
                        TrustDomain::new,
                        "use letters, digits, '.', '-' and '_'",
                        settings.trustDomain()),
                w.parsed("serviceAccount", Names::subdomain, Names.SUBDOMAIN_FIX, "default"),
                waypoint,
                networkGateway,
                node,
                w.text("canonicalName", workloadName),
                w.text("canonicalRevision", "latest"),
                w.choice("workloadType", words(Workload.WorkloadType.values()), Workload.WorkloadType.POD),
                workloadName,
                w.flag("nativeTunnel", false),
                applicationTunnel(w.section("applicationTunnel")),
                Map.of(),
                List.of(),
                w.choice("status", words(Workload.Health.values()), Workload.Health.HEALTHY),
                cluster,
                locality(w.section("locality")),
                networkMode(w, pod),
                w.number("capacity", 0, Integer.MAX_VALUE, 1));
        requireReachable(w, pod);
        return new WorkloadDraft(w, workload, Labels.read(w, "labels"), pod);
    }

    /** A cluster id is free text; the uid made of it has bounds of its own. */
    private static String cut(String cluster) {
        return cluster.length() > 512 ? cluster.substring(0, 512) : cluster;
    }

    private static List<IpAddress> addresses(Fields w) {
        List<IpAddress> addresses = new ArrayList<>();
        for (Field entry : w.list("addresses")) {
            IpAddress ip = entry.parsed(IpAddress::parse, "write an IPv4 or IPv6 address");
            if (ip != null && (ip.isUnspecified() || ip.isLoopback())) {
                entry.wrong(ip + " is nobody's address in a network", "write the pod's address");
            } else if (ip != null && addresses.contains(ip)) {
                entry.wrong(ip + " is there twice", "remove one of them");
            } else if (ip != null) {
                addresses.add(ip);
            }
        }
        return addresses;
    }

    private static Workload.TunnelProtocol protocol(Fields w, @Nullable LocalPod pod) {
        Workload.TunnelProtocol byDefault = pod == null ? Workload.TunnelProtocol.NONE : Workload.TunnelProtocol.HBONE;
        Workload.TunnelProtocol protocol = w.choice("protocol", PROTOCOLS, byDefault);
        if (pod != null && protocol != Workload.TunnelProtocol.HBONE) {
            w.blame("protocol")
                    .wrong("a pod with a netns is captured, so it is reached by HBONE", "remove 'protocol' or 'netns'");
        }
        return protocol;
    }

    private static Workload.NetworkMode networkMode(Fields w, @Nullable LocalPod pod) {
        Workload.NetworkMode mode =
                w.choice("networkMode", words(Workload.NetworkMode.values()), Workload.NetworkMode.STANDARD);
        if (pod != null && mode == Workload.NetworkMode.HOST_NETWORK) {
            w.blame("networkMode")
                    .wrong("a pod in its node's network is never captured", "remove 'networkMode' or 'netns'");
        }
        return mode;
    }

    private static void requireReachable(Fields w, @Nullable LocalPod pod) {
        Field given = w.field("addresses");
        if (given != null && !given.isEmptyList() || pod == null && w.field("hostname") != null) {
            return;
        }
        if (pod != null) {
            w.blame("netns").wrong("a captured pod needs an address", "add 'addresses'");
        } else if (w.field("networkGateway") == null) {
            w.self().wrong("there is no way to reach it", "add 'addresses', 'hostname' or 'networkGateway'");
        }
    }

    private static @Nullable LocalPod pod(Fields w, WorkloadUid uid, String node) {
        Field netns = w.field("netns");
        String podUid = w.text("podUid", uid.value());
        if (netns == null) {
            w.refuse(Set.of("podUid"), "only a pod with a netns has a pod uid", "add 'netns', or remove it");
            return null;
        }
        if (node.isEmpty()) {
            netns.wrong("no node is named whose agent captures the pod", "add 'node: <node name>' beside 'netns'");
        }
        Path path = netns.parsed(WorkloadSection::absolute, "write the absolute path, such as /run/netns/client");
        return new LocalPod(podUid, uid, node, path == null ? Path.of("/") : path);
    }

    private static Path absolute(String text) {
        Path path;
        try {
            path = Path.of(text);
        } catch (InvalidPathException e) {
            throw new IllegalArgumentException("this is no path", e);
        }
        if (!path.isAbsolute() || text.length() > PATH_MAX || path.getNameCount() == 0) {
            throw new IllegalArgumentException("this is not the absolute path of a file");
        }
        return path.normalize();
    }

    private static @Nullable ApplicationTunnel applicationTunnel(@Nullable Fields fields) {
        if (fields == null) {
            return null;
        }
        ApplicationTunnel tunnel = new ApplicationTunnel(
                fields.choice("protocol", TUNNEL_PROTOCOLS, ApplicationTunnel.Protocol.NONE),
                fields.number("port", 0, 65_535, 0));
        fields.finish();
        return tunnel;
    }

    private static Locality locality(@Nullable Fields fields) {
        if (fields == null) {
            return Locality.UNKNOWN;
        }
        Locality locality =
                new Locality(fields.text("region", ""), fields.text("zone", ""), fields.text("subzone", ""));
        fields.finish();
        return locality;
    }

    /** The constants of an enum by their names. */
    static <E extends Enum<E>> Map<String, E> words(E[] constants) {
        return Arrays.stream(constants).collect(Collectors.toMap(Enum::name, e -> e));
    }
}
