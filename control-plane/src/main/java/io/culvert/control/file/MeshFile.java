package io.culvert.control.file;

import io.culvert.protocol.identity.TrustDomain;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import java.util.List;

/**
 * All that one {@code mesh.yaml} says, checked: keys are unique and every reference resolves within it.
 *
 * @param settings what holds for the whole mesh
 * @param workloads in file order
 * @param services in file order
 * @param policies in file order, then those that stand for peer authentication
 * @param localPods the pods that an agent captures, of all nodes
 */
public record MeshFile(
        Settings settings,
        List<Workload> workloads,
        List<Service> services,
        List<Policy> policies,
        List<LocalPod> localPods) {
    public MeshFile {
        workloads = List.copyOf(workloads);
        services = List.copyOf(services);
        policies = List.copyOf(policies);
        localPods = List.copyOf(localPods);
    }

    /**
     * What holds for the whole mesh.
     *
     * @param trustDomain of every workload that names no other
     * @param network of every workload that names no other
     * @param clusterId of every workload that names no other
     * @param rootNamespace where policies without a selector apply to the whole mesh
     */
    public record Settings(TrustDomain trustDomain, String network, String clusterId, String rootNamespace) {
        public static final Settings DEFAULT =
                new Settings(TrustDomain.CLUSTER_LOCAL, "", "Kubernetes", "istio-system");
    }
}
