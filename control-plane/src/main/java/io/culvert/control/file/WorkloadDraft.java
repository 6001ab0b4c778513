package io.culvert.control.file;

import io.culvert.control.file.yaml.Fields;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.protocol.workload.PortMap;
import io.culvert.protocol.workload.Workload;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A workload as its own entry describes it, gathering what services and policies say about it. */
final class WorkloadDraft {
    private final Fields fields;
    private final Workload described;
    private final Map<String, String> labels;
    private final @Nullable LocalPod pod;
    private final Map<NamespacedName, PortMap> services = new LinkedHashMap<>();
    private final Set<NamespacedName> policies = new LinkedHashSet<>();

    WorkloadDraft(Fields fields, Workload described, Map<String, String> labels, @Nullable LocalPod pod) {
        this.fields = fields;
        this.described = described;
        this.labels = labels;
        this.pod = pod;
    }

    Fields fields() {
        return fields;
    }

    /** Without services and policies. */
    Workload described() {
        return described;
    }

    NamespacedName key() {
        return new NamespacedName(described.namespace(), described.name());
    }

    boolean carries(Map<String, String> selector) {
        return labels.entrySet().containsAll(selector.entrySet());
    }

    /** The pod to capture, null where no agent does. */
    @Nullable
    LocalPod pod() {
        return pod;
    }

    /** Makes it an endpoint; false when it is one already. */
    boolean serve(NamespacedName service, PortMap ports) {
        return services.putIfAbsent(service, ports) == null;
    }

    void judgeBy(NamespacedName policy) {
        policies.add(policy);
    }

    Workload build() {
        Workload w = described;
        return new Workload(
                w.uid(),
                w.name(),
                w.namespace(),
                w.addresses(),
                w.hostname(),
                w.network(),
                w.tunnelProtocol(),
                w.trustDomain(),
                w.serviceAccount(),
                w.waypoint(),
                w.networkGateway(),
                w.node(),
                w.canonicalName(),
                w.canonicalRevision(),
                w.type(),
                w.workloadName(),
                w.nativeTunnel(),
                w.applicationTunnel(),
                services,
                List.copyOf(policies),
                w.status(),
                w.clusterId(),
                w.locality(),
                w.networkMode(),
                w.capacity());
    }
}
