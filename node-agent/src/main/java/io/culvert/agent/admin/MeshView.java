package io.culvert.agent.admin;

import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import java.util.List;

/**
 * What the agent knows of the mesh, at one moment.
 *
 * @param workloads in any order
 * @param services in any order
 * @param policies in any order
 */
public record MeshView(List<Workload> workloads, List<Service> services, List<Policy> policies) {
    public MeshView {
        workloads = List.copyOf(workloads);
        services = List.copyOf(services);
        policies = List.copyOf(policies);
    }
}
