package io.culvert.agent.admin;

import java.util.List;

/**
 * What {@code /config_dump} shows; each call returns a copy that does not change any more.
 *
 * <p>Runs on: a control thread of the admin server, any number at once.
 */
public interface ConfigDumpSource {
    /** Workloads, services and policies of one snapshot. */
    MeshView mesh();

    List<CertificateView> certificates();

    /** The pods of this node, with their connections. */
    List<PodView> pods();

    MeshFileView meshFile();

    AgentView agent();
}
