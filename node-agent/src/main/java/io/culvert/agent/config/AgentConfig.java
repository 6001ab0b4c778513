package io.culvert.agent.config;

/**
 * What the agent runs with: immutable, complete and validated.
 *
 * @param node who the agent is
 * @param mesh where it learns of the mesh and of identities
 * @param ports where it listens
 * @param proxy how traffic is carried
 * @param process how the process runs and ends
 * @param log what is logged, and how
 */
public record AgentConfig(
        NodeConfig node, MeshConfig mesh, PortConfig ports, ProxyConfig proxy, ProcessConfig process, LogConfig log) {}
