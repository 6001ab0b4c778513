package io.culvert.control.local;

import io.culvert.control.file.yaml.Field;
import io.culvert.control.file.yaml.Fields;
import io.culvert.control.file.yaml.Names;
import io.culvert.protocol.net.Cidr;
import io.culvert.protocol.workload.GatewayAddress;
import io.culvert.protocol.workload.LoadBalancing;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.protocol.workload.PortMap;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads {@code services}, and notes which workloads they name as their endpoints. */
final class LocalServices {
    private static final int WEIGHT_MAX = 1_000_000;

    private final Map<NamespacedName, Fields> keys = new HashMap<>();
    private final Map<String, Map<NamespacedName, PortMap>> endpoints = new LinkedHashMap<>();
    private final Map<String, Field> places = new HashMap<>();

    List<Service> read(Fields root) {
        List<Service> services = new ArrayList<>();
        for (Field entry : root.list("services")) {
            Fields fields = entry.fields();
            if (fields != null) {
                Service service = service(fields);
                services.add(service);
                endpointsOf(fields, service.key());
                fields.finish();
                Fields first = keys.putIfAbsent(service.key(), fields);
                if (first != null) {
                    fields.blame("hostname")
                            .wrong(
                                    "the service " + service.key() + " is on "
                                            + first.self().where() + " already",
                                    "remove one of them");
                }
            }
        }
        return services;
    }

    /** What services say of a workload; asked once for each. */
    Map<NamespacedName, PortMap> endpointOf(String uid) {
        places.remove(uid);
        return endpoints.getOrDefault(uid, Map.of());
    }

    /** Reports the endpoints that are no workload of the text. */
    void finish() {
        places.forEach((uid, place) -> place.wrong(
                "no workload has this uid", "describe it under 'workloads', with the uid, or remove the endpoint"));
    }

    private static Service service(Fields s) {
        Field nameField = s.required("name");
        String name = nameField == null ? null : nameField.parsed(Names::subdomain, Names.SUBDOMAIN_FIX);
        Field hostField = s.required("hostname");
        String hostname = hostField == null ? null : hostField.parsed(Names::hostname, Names.SUBDOMAIN_FIX);
        return new Service(
                name == null ? "" : name,
                s.parsed("namespace", Names::label, Names.LABEL_FIX, "default"),
                hostname == null ? "" : hostname,
                LocalValues.list(s, "vips", LocalValues::networkAddress, LocalValues.ADDRESS_FIX),
                cidrVips(s),
                LocalValues.ports(s.section("ports")),
                LocalValues.list(s, "subjectAltNames", text -> text, "write a SPIFFE URI"),
                LocalValues.gateway(s, "waypoint"),
                weightedWaypoints(s),
                loadBalancing(s),
                s.choice(
                        "ipFamilies",
                        Map.of(
                                "Dual",
                                Service.IpFamilies.DUAL,
                                "IPv4",
                                Service.IpFamilies.IPV4_ONLY,
                                "IPv6",
                                Service.IpFamilies.IPV6_ONLY),
                        Service.IpFamilies.AUTOMATIC),
                s.flag("canonical", false),
                s.choice("visibility", LocalValues.pascal(Service.Visibility.values()), Service.Visibility.PUBLIC));
    }

    private static List<Service.NetworkCidr> cidrVips(Fields s) {
        List<Service.NetworkCidr> ranges = new ArrayList<>();
        for (Field entry : s.list("cidrVips")) {
            Fields fields = entry.fields();
            if (fields == null) {
                continue;
            }
            Field prefix = fields.required("cidr");
            Cidr cidr = prefix == null ? null : prefix.parsed(Cidr::parse, "write a prefix such as 10.0.0.0/8");
            String network = fields.text("network", "");
            fields.finish();
            if (cidr != null) {
                ranges.add(new Service.NetworkCidr(network, cidr));
            }
        }
        return ranges;
    }

    private static List<Service.WeightedWaypoint> weightedWaypoints(Fields s) {
        List<Service.WeightedWaypoint> waypoints = new ArrayList<>();
        for (Field entry : s.list("weightedWaypoints")) {
            Fields fields = entry.fields();
            if (fields == null) {
                continue;
            }
            fields.required("destination");
            GatewayAddress to = LocalValues.gateway(fields, "destination");
            int weight = fields.number("weight", 0, WEIGHT_MAX, 1);
            fields.finish();
            if (to != null) {
                waypoints.add(new Service.WeightedWaypoint(to, weight));
            }
        }
        return waypoints;
    }

    private static @Nullable LoadBalancing loadBalancing(Fields s) {
        Field field = s.field("loadBalancer");
        Fields fields = field == null || field.isNull() ? null : field.fields();
        if (fields == null) {
            return null;
        }
        Map<String, LoadBalancing.Scope> scopes = LocalValues.pascal(LoadBalancing.Scope.values());
        List<LoadBalancing.Scope> preferences = new ArrayList<>();
        for (Field scope : fields.list("routingPreferences")) {
            preferences.add(scope.choice(scopes, LoadBalancing.Scope.REGION));
        }
        LoadBalancing balancing = new LoadBalancing(
                preferences,
                fields.choice("mode", LocalValues.pascal(LoadBalancing.Mode.values()), LoadBalancing.Mode.STANDARD),
                fields.choice(
                        "healthPolicy",
                        LocalValues.pascal(LoadBalancing.HealthPolicy.values()),
                        LoadBalancing.HealthPolicy.ONLY_HEALTHY));
        fields.finish();
        return balancing;
    }

    /** Each is called by its workload's uid; the workload's own health is what counts, whichever list it is on. */
    private void endpointsOf(Fields s, NamespacedName service) {
        endpoints(s.section("endpoints"), service);
        endpoints(s.section("unusedEndpoints"), service);
    }

    private void endpoints(@Nullable Fields all, NamespacedName service) {
        if (all == null) {
            return;
        }
        for (Map.Entry<String, Field> entry : all.all().entrySet()) {
            Fields fields = entry.getValue().fields();
            if (fields == null) {
                continue;
            }
            String uid = fields.text("workloadUid", entry.getKey());
            PortMap ports = LocalValues.ports(fields.section("port"));
            fields.choice("status", LocalValues.pascal(Workload.Health.values()), Workload.Health.HEALTHY);
            fields.finish();
            endpoints.computeIfAbsent(uid, each -> new LinkedHashMap<>()).put(service, ports);
            places.putIfAbsent(uid, entry.getValue());
        }
    }
}
