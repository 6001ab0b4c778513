package io.culvert.agent.config;

/**
 * How much there may be of anything that peers or applications can ask for.
 *
 * @param connectionsPerPodMax open connections of one pod, both directions together
 * @param tunnelsPerPodMax tunnels that one pod accepts from peers
 * @param streamsPerTunnelMax connections in one accepted tunnel
 * @param headerBytesMax a peer's decoded headers
 */
public record LimitConfig(
        int connectionsPerPodMax, int tunnelsPerPodMax, int streamsPerTunnelMax, int headerBytesMax) {}
