package io.culvert.control.local;

import io.culvert.control.file.yaml.Field;
import io.culvert.control.file.yaml.Fields;
import io.culvert.control.file.yaml.Names;
import io.culvert.protocol.identity.TrustDomain;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.workload.ApplicationTunnel;
import io.culvert.protocol.workload.Locality;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.protocol.workload.PortMap;
import io.culvert.protocol.workload.Workload;
import io.culvert.protocol.workload.WorkloadUid;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads {@code workloads}. */
final class LocalWorkloads {
    private static final Map<String, Workload.TunnelProtocol> PROTOCOLS =
            Map.of("TCP", Workload.TunnelProtocol.NONE, "HBONE", Workload.TunnelProtocol.HBONE);
    private static final Map<String, Workload.WorkloadType> TYPES = Map.of(
            "deployment", Workload.WorkloadType.DEPLOYMENT,
            "cronjob", Workload.WorkloadType.CRONJOB,
            "pod", Workload.WorkloadType.POD,
            "job", Workload.WorkloadType.JOB);
    private static final Map<String, ApplicationTunnel.Protocol> TUNNELS =
            Map.of("NONE", ApplicationTunnel.Protocol.NONE, "PROXY", ApplicationTunnel.Protocol.PROXY);

    private final TrustDomain trustDomain;
    private final LocalServices services;
    private final Map<WorkloadUid, Fields> uids = new HashMap<>();

    LocalWorkloads(TrustDomain trustDomain, LocalServices services) {
        this.trustDomain = trustDomain;
        this.services = services;
    }

    List<Workload> read(Fields root) {
        List<Workload> workloads = new ArrayList<>();
        for (Field entry : root.list("workloads")) {
            Fields fields = entry.fields();
            if (fields != null) {
                Workload workload = workload(fields);
                workloads.add(workload);
                fields.finish();
                Fields first = uids.putIfAbsent(workload.uid(), fields);
                if (first != null) {
                    fields.blame("uid")
                            .wrong(
                                    "the uid " + workload.uid() + " is taken by the entry on "
                                            + first.self().where(),
                                    "give each its own");
                }
            }
        }
        return workloads;
    }

    private Workload workload(Fields w) {
        Field nameField = w.required("name");
        String parsedName = nameField == null ? null : nameField.parsed(Names::subdomain, Names.SUBDOMAIN_FIX);
        String name = parsedName == null ? "" : parsedName;
        String namespace = w.parsed("namespace", Names::label, Names.LABEL_FIX, "default");
        String cluster = w.text("clusterId", "");
        WorkloadUid uid = w.parsed(
                "uid",
                WorkloadUid::new,
                "use 1..1024 characters",
                new WorkloadUid("local//Pod/" + namespace + "/" + name));
        return new Workload(
                uid,
                name,
                namespace,
                LocalValues.list(w, "workloadIps", IpAddress::parse, "write an IPv4 or IPv6 address"),
                w.parsed("hostname", Names::hostname, Names.SUBDOMAIN_FIX, ""),
                w.text("network", ""),
                w.choice("protocol", PROTOCOLS, Workload.TunnelProtocol.NONE),
                w.parsed("trustDomain", TrustDomain::new, "use letters, digits, '.', '-' and '_'", trustDomain),
                w.parsed("serviceAccount", Names::subdomain, Names.SUBDOMAIN_FIX, "default"),
                LocalValues.gateway(w, "waypoint"),
                LocalValues.gateway(w, "networkGateway"),
                w.text("node", ""),
                w.text("canonicalName", ""),
                w.text("canonicalRevision", ""),
                w.choice("workloadType", TYPES, Workload.WorkloadType.DEPLOYMENT),
                w.text("workloadName", ""),
                w.flag("nativeTunnel", false),
                applicationTunnel(w),
                services(w, uid),
                LocalValues.list(w, "authorizationPolicies", LocalWorkloads::policyName, "name a policy"),
                w.choice("status", LocalValues.pascal(Workload.Health.values()), Workload.Health.HEALTHY),
                cluster,
                locality(w.section("locality")),
                w.choice(
                        "networkMode",
                        LocalValues.pascal(Workload.NetworkMode.values()),
                        Workload.NetworkMode.STANDARD),
                w.number("capacity", 0, Integer.MAX_VALUE, 1));
    }

    /** Its own ports for a service are nearer than those that the service names for it. */
    private Map<NamespacedName, PortMap> services(Fields w, WorkloadUid uid) {
        Map<NamespacedName, PortMap> all = new LinkedHashMap<>(services.endpointOf(uid.value()));
        Fields own = w.section("services");
        if (own == null) {
            return all;
        }
        for (Map.Entry<String, Field> entry : own.all().entrySet()) {
            try {
                all.put(
                        NamespacedName.parse(entry.getKey()),
                        LocalValues.ports(entry.getValue().fields()));
            } catch (IllegalArgumentException e) {
                entry.getValue().wrong("its key is no service", "write 'namespace/hostname: {80: 8080}'");
            }
        }
        return all;
    }

    private static @Nullable ApplicationTunnel applicationTunnel(Fields w) {
        Field field = w.field("applicationTunnel");
        Fields fields = field == null || field.isNull() ? null : field.fields();
        if (fields == null) {
            return null;
        }
        ApplicationTunnel.Protocol protocol = fields.choice("protocol", TUNNELS, ApplicationTunnel.Protocol.NONE);
        Field port = fields.field("port");
        int number = port == null || port.isNull() ? 0 : port.number(1, 65_535, 0);
        fields.finish();
        return new ApplicationTunnel(protocol, number);
    }

    /** As a control plane would name it: namespace/name as a rule, but any text will do. */
    private static NamespacedName policyName(String text) {
        if (text.isEmpty()) {
            throw new IllegalArgumentException("a policy has a name");
        }
        return NamespacedName.ofPolicy(text);
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
}
