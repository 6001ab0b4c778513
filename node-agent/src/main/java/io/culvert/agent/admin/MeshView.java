package io.culvert.agent.admin;

import io.culvert.agent.mesh.MeshProblem;
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
 * @param problems what of it could not be honoured
 */
public record MeshView(
        List<Workload> workloads, List<Service> services, List<Policy> policies, List<MeshProblem> problems) {
    public MeshView {
        workloads = List.copyOf(workloads);
        services = List.copyOf(services);
        policies = List.copyOf(policies);
        problems = List.copyOf(problems);
    }

    /** Of which all could be honoured. */
    public MeshView(List<Workload> workloads, List<Service> services, List<Policy> policies) {
        this(workloads, services, policies, List.of());
    }
}
