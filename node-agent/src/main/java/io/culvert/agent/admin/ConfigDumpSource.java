package io.culvert.agent.admin;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What {@code /config_dump} shows; each call returns a copy that does not change any more.
 *
 * <p>Runs on: a control thread of the admin server, any number at once.
 */
public interface ConfigDumpSource {
    /** Workloads, services and policies of one snapshot. */
    MeshView mesh();

    /** The part of it that was configured beside mesh file and control plane. */
    MeshView staticMesh();

    List<CertificateView> certificates();

    /** The pods of this node, with their connections. */
    List<PodView> pods();

    /** The mesh file, null where a control plane tells of the mesh. */
    @Nullable
    MeshFileView meshFile();

    AgentView agent();
}
