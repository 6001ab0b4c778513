package io.culvert.control.file;

import io.culvert.control.file.yaml.Field;
import io.culvert.control.file.yaml.Fields;
import io.culvert.control.file.yaml.Names;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.Cidr;
import io.culvert.protocol.workload.GatewayAddress;
import io.culvert.protocol.workload.LoadBalancing;
import io.culvert.protocol.workload.NetworkAddress;
import io.culvert.protocol.workload.PortMap;
import io.culvert.protocol.workload.Service;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads the entries of {@code services}, and makes workloads their endpoints. */
final class ServiceSection {
    private static final String DOMAIN = ".svc.cluster.local";
    private static final String VIP_FIX = "write an address or a prefix, or {network: ..., address: ...}";

    private final MeshFile.Settings settings;
    private final GatewaySection gateways;
    private final MeshIndex index;

    ServiceSection(MeshFile.Settings settings, GatewaySection gateways, MeshIndex index) {
        this.settings = settings;
        this.gateways = gateways;
        this.index = index;
    }

    /** A service and the mapping that describes it. */
    record Described(Service service, Fields fields) {}

    List<Described> read(Fields root) {
        List<Described> services = new ArrayList<>();
        for (Field entry : root.list("services")) {
            Fields fields = entry.fields();
            if (fields != null) {
                Service service = service(fields);
                services.add(new Described(service, fields));
                index.add(service);
                bindEndpoints(fields, service);
                fields.finish();
            }
        }
        return services;
    }

    private Service service(Fields s) {
        Field nameField = s.required("name");
        String parsedName = nameField == null ? null : nameField.parsed(Names::subdomain, Names.SUBDOMAIN_FIX);
        String name = parsedName == null ? "" : parsedName;
        String namespace = s.parsed("namespace", Names::label, Names.LABEL_FIX, "default");
        List<NetworkAddress> vips = new ArrayList<>();
        List<Service.NetworkCidr> cidrVips = new ArrayList<>();
        s.list("vips").forEach(vip -> vip(vip, vips, cidrVips));
        GatewayAddress waypoint = gateways.read(s, "waypoint", namespace, settings.network());
        return new Service(
                name,
                namespace,
                s.parsed("hostname", Names::hostname, Names.SUBDOMAIN_FIX, name + "." + namespace + DOMAIN),
                vips,
                cidrVips,
                ports(s),
                subjectAltNames(s),
                waypoint,
                weightedWaypoints(s, namespace),
                loadBalancing(s.section("loadBalancing")),
                s.choice(
                        "ipFamilies", WorkloadSection.words(Service.IpFamilies.values()), Service.IpFamilies.AUTOMATIC),
                s.flag("canonical", true),
                s.choice("visibility", WorkloadSection.words(Service.Visibility.values()), Service.Visibility.PUBLIC));
    }

    private void vip(Field vip, List<NetworkAddress> vips, List<Service.NetworkCidr> cidrVips) {
        String network = settings.network();
        Field address = vip;
        if (vip.isMapping()) {
            Fields fields = vip.fields();
            if (fields == null) {
                return;
            }
            network = fields.text("network", network);
            Field required = fields.required("address");
            fields.finish();
            if (required == null) {
                return;
            }
            address = required;
        }
        Cidr cidr = address.parsed(Cidr::parse, VIP_FIX);
        if (cidr != null && cidr.isSingle()) {
            vips.add(new NetworkAddress(network, cidr.network()));
        } else if (cidr != null) {
            cidrVips.add(new Service.NetworkCidr(network, cidr));
        }
    }

    /** Service port to target port; without a target it is the same port, 0 leaves it to each endpoint. */
    private static PortMap ports(Fields owner) {
        List<Integer> pairs = new ArrayList<>();
        Set<Integer> seen = new HashSet<>();
        for (Field entry : owner.list("ports")) {
            Fields fields = entry.fields();
            if (fields == null) {
                continue;
            }
            fields.required("port");
            int port = fields.number("port", 1, 65_535, 0);
            pairs.add(port);
            pairs.add(fields.number("targetPort", 0, 65_535, port));
            fields.finish();
            if (port != 0 && !seen.add(port)) {
                fields.blame("port").wrong("port " + port + " is there twice", "remove one of them");
            }
        }
        return PortMap.of(pairs.stream().mapToInt(Integer::intValue).toArray());
    }

    private static List<String> subjectAltNames(Fields s) {
        List<String> names = new ArrayList<>();
        for (Field entry : s.list("subjectAltNames")) {
            SpiffeId id =
                    entry.parsed(SpiffeId::parse, "write spiffe://<trust domain>/ns/<namespace>/sa/<service account>");
            if (id != null) {
                names.add(id.uri());
            }
        }
        return names;
    }

    private List<Service.WeightedWaypoint> weightedWaypoints(Fields s, String namespace) {
        List<Service.WeightedWaypoint> waypoints = new ArrayList<>();
        for (Field entry : s.list("weightedWaypoints")) {
            Fields fields = entry.fields();
            if (fields == null) {
                continue;
            }
            fields.required("destination");
            GatewayAddress to = gateways.read(fields, "destination", namespace, settings.network());
            int weight = fields.number("weight", 0, 1_000_000, 1);
            fields.finish();
            if (to != null) {
                waypoints.add(new Service.WeightedWaypoint(to, weight));
            }
        }
        return waypoints;
    }

    private static @Nullable LoadBalancing loadBalancing(@Nullable Fields fields) {
        if (fields == null) {
            return null;
        }
        Map<String, LoadBalancing.Scope> scopes = WorkloadSection.words(LoadBalancing.Scope.values());
        List<LoadBalancing.Scope> preference = new ArrayList<>();
        for (Field scope : fields.list("routingPreference")) {
            preference.add(scope.choice(scopes, LoadBalancing.Scope.REGION));
        }
        LoadBalancing loadBalancing = new LoadBalancing(
                preference,
                fields.choice("mode", WorkloadSection.words(LoadBalancing.Mode.values()), LoadBalancing.Mode.STANDARD),
                fields.choice(
                        "healthPolicy",
                        WorkloadSection.words(LoadBalancing.HealthPolicy.values()),
                        LoadBalancing.HealthPolicy.ONLY_HEALTHY));
        fields.finish();
        return loadBalancing;
    }

    private void bindEndpoints(Fields s, Service service) {
        for (Field entry : s.list("endpoints")) {
            if (entry.isMapping()) {
                bindWithPorts(entry.fields(), service);
            } else {
                bind(entry, service, service.ports());
            }
        }
        Map<String, String> selector = Labels.selector(s, "selector");
        if (selector != null && !selector.isEmpty()) {
            index.in(service.namespace()).stream()
                    .filter(draft -> draft.carries(selector))
                    .forEach(draft -> draft.serve(service.key(), service.ports()));
        }
    }

    private void bindWithPorts(@Nullable Fields fields, Service service) {
        Field workload = fields == null ? null : fields.required("workload");
        if (fields == null) {
            return;
        }
        PortMap ports = fields.field("ports") == null ? service.ports() : ports(fields);
        if (workload != null) {
            bind(workload, service, ports);
        }
        fields.finish();
    }

    private void bind(Field reference, Service service, PortMap ports) {
        WorkloadDraft draft = index.workload(reference, service.namespace());
        if (draft != null && !draft.serve(service.key(), ports)) {
            reference.wrong("the workload is an endpoint of " + service.key() + " already", "remove one of them");
        }
    }
}
