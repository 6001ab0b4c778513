package io.culvert.control.local;

import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import java.util.List;

/**
 * A part of the mesh that an agent is given beside what a control plane tells it.
 *
 * @param workloads in the order of the text, with unique uids
 * @param services in the order of the text, with unique keys
 * @param policies in the order of the text, with unique keys
 */
public record LocalConfig(List<Workload> workloads, List<Service> services, List<Policy> policies) {
    public static final LocalConfig EMPTY = new LocalConfig(List.of(), List.of(), List.of());

    public LocalConfig {
        workloads = List.copyOf(workloads);
        services = List.copyOf(services);
        policies = List.copyOf(policies);
    }
}
