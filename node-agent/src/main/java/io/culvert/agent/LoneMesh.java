package io.culvert.agent;

import io.culvert.agent.admin.MeshFileView;
import io.culvert.agent.certs.CertificateStore;
import io.culvert.agent.config.NodeConfig;
import io.culvert.agent.mesh.MeshStore;
import org.jspecify.annotations.Nullable;

/**
 * Without a control plane and without a mesh file: the mesh is what the agent was given, and certificates are fetched ahead for
 * its workloads of this node.
 *
 * <p>Runs on: the thread that starts it.
 */
final class LoneMesh implements MeshFeed {
    private final NodeConfig node;
    private final MeshStore mesh;
    private final CertificateStore certificates;
    private final Runnable becameReady;

    LoneMesh(NodeConfig node, MeshStore mesh, CertificateStore certificates, Runnable becameReady) {
        this.node = node;
        this.mesh = mesh;
        this.certificates = certificates;
        this.becameReady = becameReady;
    }

    @Override
    public void start() {
        certificates.expect(ControlPlaneMesh.expected(mesh.current(), node));
        becameReady.run();
    }

    @Override
    public @Nullable MeshFileView file() {
        return null;
    }

    @Override
    public void close() {
        // Nothing of it runs.
    }
}
