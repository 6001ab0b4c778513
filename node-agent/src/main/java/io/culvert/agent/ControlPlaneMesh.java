package io.culvert.agent;

import io.culvert.agent.admin.MeshFileView;
import io.culvert.agent.base.Ticker;
import io.culvert.agent.certs.CertificateStore;
import io.culvert.agent.config.MeshConfig;
import io.culvert.agent.config.NodeConfig;
import io.culvert.agent.mesh.MeshDemand;
import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.mesh.MeshStore;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.agent.xds.NodeDescription;
import io.culvert.agent.xds.XdsClient;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.workload.Workload;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * Under a control plane: what it tells becomes the mesh, and certificates are fetched ahead for its workloads of this node. Which
 * pods are wanted is said by others.
 *
 * <p>Runs on: the control plane's client's thread. Owns: that client.
 */
final class ControlPlaneMesh implements MeshFeed {
    private final NodeConfig node;
    private final CertificateStore certificates;
    private final XdsClient client;
    private final MeshStore.Registration registration;
    private Set<SpiffeId> expected = Set.of();

    ControlPlaneMesh(
            NodeConfig node,
            MeshConfig.ControlPlane plane,
            Uplinks uplinks,
            MeshStore mesh,
            CertificateStore certificates,
            Metrics metrics,
            Runnable becameReady) {
        this.node = node;
        this.certificates = certificates;
        this.client = new XdsClient(
                NodeDescription.of(node, plane.about()),
                plane.onDemand(),
                new XdsClient.Surroundings(
                        uplinks.discovery(plane.server()),
                        mesh,
                        metrics,
                        Ticker.SYSTEM,
                        () -> ThreadLocalRandom.current().nextDouble()),
                becameReady);
        this.registration = mesh.listen(this::expect);
    }

    private void expect(MeshSnapshot snapshot) {
        Set<SpiffeId> ids = expected(snapshot, node);
        if (!ids.equals(expected)) {
            expected = ids;
            certificates.expect(ids);
        }
    }

    /** The identities that workloads of this node will need; of a dedicated agent, which certifies itself alone, its pod's. */
    static Set<SpiffeId> expected(MeshSnapshot snapshot, NodeConfig node) {
        Set<SpiffeId> ids = new HashSet<>();
        for (Workload workload : served(snapshot, node)) {
            if (workload.nativeTunnel() || workload.tunnelProtocol() == Workload.TunnelProtocol.HBONE) {
                ids.addAll(snapshot.expectedIdentities(null, workload));
            }
        }
        return ids;
    }

    private static List<Workload> served(MeshSnapshot snapshot, NodeConfig node) {
        NodeConfig.PodNames only = node.dedicatedTo();
        if (only == null) {
            // Without a node's name all pods may be handed over, and so all workloads are local: not all of them will
            // be.
            return node.name().isEmpty() ? List.of() : snapshot.localWorkloads();
        }
        Workload own = snapshot.localWorkload(only.name(), only.namespace(), only.serviceAccount());
        return own == null ? List.of() : List.of(own);
    }

    @Override
    public MeshDemand demand() {
        return client;
    }

    @Override
    public void start() {
        client.start();
    }

    @Override
    public @Nullable MeshFileView file() {
        return null;
    }

    @Override
    public void close() {
        client.close();
        registration.close();
    }
}
