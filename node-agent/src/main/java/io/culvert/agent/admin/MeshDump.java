package io.culvert.agent.admin;

import com.fasterxml.jackson.core.JsonGenerator;
import io.culvert.agent.mesh.MeshProblem;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.workload.GatewayAddress;
import io.culvert.protocol.workload.LoadBalancing;
import io.culvert.protocol.workload.Locality;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.protocol.workload.PortMap;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Writes workloads and services; what is empty or as it mostly is, is left out. */
final class MeshDump {
    private final JsonGenerator json;

    private MeshDump(JsonGenerator json) {
        this.json = json;
    }

    static void write(MeshView mesh, JsonGenerator json) throws IOException {
        MeshDump dump = new MeshDump(json);
        List<Workload> workloads = mesh.workloads().stream()
                .sorted(Comparator.comparing(Workload::uid))
                .toList();
        dump.workloads(workloads, dump::serviceNames);
        Map<NamespacedName, List<Workload>> endpoints = endpoints(workloads);
        dump.services(mesh.services(), endpoints);
        dump.policies(mesh.policies());
        mesh.services().forEach(service -> endpoints.remove(service.key()));
        dump.staged(endpoints);
        dump.problems(mesh.problems());
    }

    /** The endpoints that wait for their service. */
    private void staged(Map<NamespacedName, List<Workload>> waiting) throws IOException {
        json.writeObjectFieldStart("stagedServices");
        for (NamespacedName service : waiting.keySet().stream()
                .sorted(Comparator.comparing(NamespacedName::toString))
                .toList()) {
            json.writeObjectFieldStart(service.toString());
            for (Workload endpoint : waiting.getOrDefault(service, List.of())) {
                endpoint(service, endpoint);
            }
            json.writeEndObject();
        }
        json.writeEndObject();
    }

    private void problems(List<MeshProblem> problems) throws IOException {
        json.writeArrayFieldStart("meshProblems");
        for (MeshProblem problem : problems) {
            json.writeStartObject();
            json.writeStringField("kind", Words.pascal(problem.kind()));
            json.writeStringField("subject", problem.subject());
            json.writeStringField("problem", problem.sentence());
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    /** Writes it in the form in which it is configured: each workload with its ports, in the order of the file. */
    static void writeStatic(MeshView mesh, JsonGenerator json) throws IOException {
        MeshDump dump = new MeshDump(json);
        dump.workloads(mesh.workloads(), dump::servicePorts);
        dump.policies(mesh.policies());
        dump.services(mesh.services(), Map.of());
    }

    /** Writes the services that a workload is of. */
    private interface Services {
        void write(Workload workload) throws IOException;
    }

    private void workloads(List<Workload> workloads, Services services) throws IOException {
        json.writeArrayFieldStart("workloads");
        for (Workload workload : workloads) {
            workload(workload, services);
        }
        json.writeEndArray();
    }

    private void policies(List<Policy> all) throws IOException {
        json.writeArrayFieldStart("policies");
        PolicyDump policies = new PolicyDump(json);
        for (Policy policy : all.stream()
                .sorted(Comparator.comparing(each -> each.key().toString()))
                .toList()) {
            policies.write(policy);
        }
        json.writeEndArray();
    }

    private void serviceNames(Workload workload) throws IOException {
        json.writeArrayFieldStart("services");
        for (NamespacedName service : sortedServices(workload)) {
            json.writeString(service.toString());
        }
        json.writeEndArray();
    }

    private void servicePorts(Workload workload) throws IOException {
        json.writeObjectFieldStart("services");
        for (NamespacedName service : sortedServices(workload)) {
            ports(service.toString(), workload.services().getOrDefault(service, PortMap.EMPTY));
        }
        json.writeEndObject();
    }

    private static List<NamespacedName> sortedServices(Workload workload) {
        return workload.services().keySet().stream()
                .sorted(Comparator.comparing(NamespacedName::toString))
                .toList();
    }

    private static Map<NamespacedName, List<Workload>> endpoints(List<Workload> workloads) {
        Map<NamespacedName, List<Workload>> endpoints = new HashMap<>();
        for (Workload workload : workloads) {
            for (NamespacedName service : workload.services().keySet()) {
                endpoints.computeIfAbsent(service, key -> new ArrayList<>()).add(workload);
            }
        }
        return endpoints;
    }

    private void workload(Workload workload, Services services) throws IOException {
        json.writeStartObject();
        texts("workloadIps", workload.addresses());
        gateway("waypoint", workload.waypoint());
        gateway("networkGateway", workload.networkGateway());
        json.writeStringField(
                "protocol",
                switch (workload.tunnelProtocol()) {
                    case NONE -> "TCP";
                    case HBONE -> "HBONE";
                });
        json.writeStringField("networkMode", Words.pascal(workload.networkMode()));
        json.writeStringField("uid", workload.uid().value());
        json.writeStringField("name", workload.name());
        json.writeStringField("namespace", workload.namespace());
        json.writeStringField("trustDomain", workload.trustDomain().name());
        known("serviceAccount", workload.serviceAccount());
        known("network", workload.network());
        known("workloadName", workload.workloadName());
        json.writeStringField("workloadType", Words.lower(workload.type()));
        known("canonicalName", workload.canonicalName());
        known("canonicalRevision", workload.canonicalRevision());
        known("hostname", workload.hostname());
        known("node", workload.node());
        placement(workload, services);
        json.writeEndObject();
    }

    private void placement(Workload workload, Services services) throws IOException {
        if (workload.nativeTunnel()) {
            json.writeBooleanField("nativeTunnel", true);
        }
        if (workload.applicationTunnel() != null) {
            json.writeObjectFieldStart("applicationTunnel");
            json.writeStringField(
                    "protocol", workload.applicationTunnel().protocol().name());
            port("port", workload.applicationTunnel().port());
            json.writeEndObject();
        }
        if (!workload.authorizationPolicies().isEmpty()) {
            texts("authorizationPolicies", workload.authorizationPolicies());
        }
        json.writeStringField("status", Words.pascal(workload.status()));
        known("clusterId", workload.clusterId());
        if (!workload.locality().equals(Locality.UNKNOWN)) {
            json.writeObjectFieldStart("locality");
            json.writeStringField("region", workload.locality().region());
            json.writeStringField("zone", workload.locality().zone());
            json.writeStringField("subzone", workload.locality().subzone());
            json.writeEndObject();
        }
        if (!workload.services().isEmpty()) {
            services.write(workload);
        }
        if (workload.capacity() != 1) {
            json.writeNumberField("capacity", workload.capacity());
        }
    }

    private void port(String field, int port) throws IOException {
        if (port == 0) {
            json.writeNullField(field);
        } else {
            json.writeNumberField(field, port);
        }
    }

    private void services(List<Service> services, Map<NamespacedName, List<Workload>> endpoints) throws IOException {
        json.writeArrayFieldStart("services");
        Comparator<Service> order = Comparator.comparing(Service::hostname).thenComparing(Service::namespace);
        for (Service service : services.stream().sorted(order).toList()) {
            service(service, endpoints.getOrDefault(service.key(), List.of()));
        }
        json.writeEndArray();
    }

    private void service(Service service, List<Workload> endpoints) throws IOException {
        json.writeStartObject();
        json.writeStringField("name", service.name());
        json.writeStringField("namespace", service.namespace());
        json.writeStringField("hostname", service.hostname());
        texts("vips", service.vips());
        if (!service.cidrVips().isEmpty()) {
            json.writeArrayFieldStart("cidrVips");
            for (Service.NetworkCidr each : service.cidrVips()) {
                json.writeStartObject();
                json.writeStringField("network", each.network());
                json.writeStringField("cidr", each.cidr().toString());
                json.writeEndObject();
            }
            json.writeEndArray();
        }
        ports("ports", service.ports());
        endpoints(service, endpoints);
        texts("subjectAltNames", service.subjectAltNames());
        gateway("waypoint", service.waypoint());
        weightedWaypoints(service);
        balancing(service);
        json.writeBooleanField("canonical", service.canonical());
        json.writeStringField("visibility", Words.pascal(service.visibility()));
        json.writeEndObject();
    }

    private void endpoints(Service service, List<Workload> endpoints) throws IOException {
        Map<Boolean, List<Workload>> byUse =
                endpoints.stream().collect(Collectors.partitioningBy(each -> isUsed(service, each)));
        endpoints("endpoints", service, byUse.getOrDefault(true, List.of()));
        List<Workload> unused = byUse.getOrDefault(false, List.of());
        if (!unused.isEmpty()) {
            endpoints("unusedEndpoints", service, unused);
        }
    }

    private void endpoints(String field, Service service, List<Workload> endpoints) throws IOException {
        json.writeObjectFieldStart(field);
        for (Workload endpoint : endpoints) {
            endpoint(service.key(), endpoint);
        }
        json.writeEndObject();
    }

    private static boolean isUsed(Service service, Workload endpoint) {
        LoadBalancing balancing = service.loadBalancing();
        return endpoint.status() == Workload.Health.HEALTHY
                || balancing != null && balancing.healthPolicy() == LoadBalancing.HealthPolicy.ALLOW_ALL;
    }

    private void endpoint(NamespacedName service, Workload endpoint) throws IOException {
        json.writeObjectFieldStart(endpoint.uid().value());
        json.writeStringField("workloadUid", endpoint.uid().value());
        ports("port", endpoint.services().getOrDefault(service, PortMap.EMPTY));
        json.writeStringField("status", Words.pascal(endpoint.status()));
        json.writeEndObject();
    }

    private void weightedWaypoints(Service service) throws IOException {
        if (service.weightedWaypoints().isEmpty()) {
            return;
        }
        json.writeArrayFieldStart("weightedWaypoints");
        for (Service.WeightedWaypoint each : service.weightedWaypoints()) {
            json.writeStartObject();
            gateway("destination", each.destination());
            json.writeNumberField("weight", each.weight());
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private void balancing(Service service) throws IOException {
        if (service.loadBalancing() != null) {
            json.writeObjectFieldStart("loadBalancer");
            texts(
                    "routingPreferences",
                    service.loadBalancing().routingPreference().stream()
                            .map(Words::pascal)
                            .toList());
            json.writeStringField("mode", Words.pascal(service.loadBalancing().mode()));
            json.writeStringField(
                    "healthPolicy", Words.pascal(service.loadBalancing().healthPolicy()));
            json.writeEndObject();
        }
        switch (service.ipFamilies()) {
            case AUTOMATIC -> {}
            case DUAL -> json.writeStringField("ipFamilies", "Dual");
            case IPV4_ONLY -> json.writeStringField("ipFamilies", "IPv4");
            case IPV6_ONLY -> json.writeStringField("ipFamilies", "IPv6");
        }
    }

    private void gateway(String field, @Nullable GatewayAddress gateway) throws IOException {
        if (gateway == null) {
            return;
        }
        json.writeObjectFieldStart(field);
        json.writeStringField(
                "destination",
                switch (gateway) {
                    case GatewayAddress.ByAddress by -> by.address().toString();
                    case GatewayAddress.ByHostname by -> by.hostname().toString();
                });
        json.writeNumberField("hboneMtlsPort", gateway.hbonePort());
        json.writeEndObject();
    }

    private void ports(String field, PortMap ports) throws IOException {
        json.writeObjectFieldStart(field);
        for (int i = 0; i < ports.size(); i++) {
            json.writeNumberField(Integer.toString(ports.servicePort(i)), ports.targetPort(i));
        }
        json.writeEndObject();
    }

    private void known(String field, String text) throws IOException {
        if (!text.isEmpty()) {
            json.writeStringField(field, text);
        }
    }

    private void texts(String field, Collection<?> values) throws IOException {
        json.writeArrayFieldStart(field);
        for (Object value : values) {
            json.writeString(value.toString());
        }
        json.writeEndArray();
    }
}
