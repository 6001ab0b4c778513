package io.culvert.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.agent.config.NodeConfig;
import io.culvert.agent.config.Role;
import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.mesh.Records;
import io.culvert.protocol.identity.TrustDomain;
import io.culvert.protocol.workload.Workload;
import java.nio.file.Path;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ControlPlaneMeshTest {
    private static final Workload HERE = Records.pod("a", "10.0.0.1")
            .serviceAccount("here")
            .hbone()
            .node("node-a")
            .build();
    private static final Workload PLAIN =
            Records.pod("b", "10.0.0.2").serviceAccount("plain").node("node-a").build();
    private static final Workload THERE = Records.pod("c", "10.0.0.3")
            .serviceAccount("there")
            .hbone()
            .node("node-b")
            .build();
    private static final Workload NOWHERE = Records.pod("d", "10.0.0.4")
            .serviceAccount("nowhere")
            .hbone()
            .node("")
            .build();

    private static NodeConfig node(String name, NodeConfig.@Nullable PodNames dedicatedTo) {
        return new NodeConfig(
                Role.NODE, name, "Kubernetes", "", TrustDomain.CLUSTER_LOCAL, Path.of("/run/pods"), null, dedicatedTo);
    }

    private static MeshSnapshot mesh(String node) {
        return MeshSnapshot.empty(node).toBuilder()
                .upsert(HERE)
                .upsert(PLAIN)
                .upsert(THERE)
                .upsert(NOWHERE)
                .build();
    }

    @Test
    void expectsTheIdentitiesOfItsNodesTunnelledWorkloads() {
        assertEquals(Set.of(HERE.identity()), ControlPlaneMesh.expected(mesh("node-a"), node("node-a", null)));
    }

    @Test
    void expectsNothing_whenItDoesNotKnowItsNode() {
        assertEquals(Set.of(), ControlPlaneMesh.expected(mesh(""), node("", null)));
    }

    @Test
    void expectsItsPodsIdentityAlone_whenItIsDedicated_whateverTheNode() {
        NodeConfig.PodNames own = new NodeConfig.PodNames(HERE.name(), HERE.namespace(), HERE.serviceAccount());
        assertEquals(Set.of(HERE.identity()), ControlPlaneMesh.expected(mesh(""), node("", own)));
        assertEquals(Set.of(), ControlPlaneMesh.expected(mesh("node-b"), node("node-b", own)));
    }
}
