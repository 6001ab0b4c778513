package io.culvert.agent.config;

/**
 * How much there may be of anything that peers or applications can ask for.
 *
 * @param connectionsPerPodMax open connections of one pod, of each kind: opened by it, in tunnels to it, in plaintext to it
 * @param tunnelsPerPodMax tunnels that one pod accepts from peers, a quarter of them from any one
 * @param streamsPerTunnelMax connections in one accepted tunnel
 * @param headerBytesMax a peer's decoded headers
 */
public record LimitConfig(
        int connectionsPerPodMax, int tunnelsPerPodMax, int streamsPerTunnelMax, int headerBytesMax) {}
