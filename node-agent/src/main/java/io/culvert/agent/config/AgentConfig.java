package io.culvert.agent.config;

/**
 * What the agent runs with: immutable, complete and validated.
 *
 * @param node who the agent is
 * @param mesh where it learns of the mesh and of identities
 * @param ports where it listens
 * @param proxy how traffic is carried
 * @param tls how TLS is spoken, in tunnels and with the servers of the mesh
 * @param process how the process runs and ends
 * @param log what is logged, and how
 */
public record AgentConfig(
        NodeConfig node,
        MeshConfig mesh,
        PortConfig ports,
        ProxyConfig proxy,
        TlsConfig tls,
        ProcessConfig process,
        LogConfig log) {
    /** Who says which pods are served. */
    public PodSource podSource() {
        if (node.dedicatedTo() != null) {
            return PodSource.OWN_NAMESPACE;
        }
        boolean handedOver = node.role() == Role.PROXY || !(mesh.source() instanceof MeshConfig.MeshFile);
        return handedOver ? PodSource.PODS_SOCKET : PodSource.MESH_FILE;
    }

    /** Whether there is a DNS proxy in each pod. */
    public boolean answersNames() {
        return proxy.dns().isOn(podSource() != PodSource.MESH_FILE);
    }
}
