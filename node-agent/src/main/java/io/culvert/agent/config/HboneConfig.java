package io.culvert.agent.config;

import java.time.Duration;

/**
 * Tunnels.
 *
 * @param windows what peers may send
 * @param ping how a peer that is gone is found out
 * @param streamsPerPooledTunnelMax how many connections share one outgoing tunnel
 * @param poolIdleTimeout how long an outgoing tunnel without connections stays open
 * @param responseBaggage whether the answer to a CONNECT tells who serves it
 * @param localhostAppTunnel whether an application that takes the PROXY protocol is reached on loopback
 */
public record HboneConfig(
        Windows windows,
        Ping ping,
        int streamsPerPooledTunnelMax,
        Duration poolIdleTimeout,
        boolean responseBaggage,
        boolean localhostAppTunnel) {
    /**
     * What peers may send before it is acknowledged.
     *
     * @param streamBytes on one stream
     * @param connectionBytes on all streams of a tunnel
     * @param frameBytesMax in one frame
     */
    public record Windows(int streamBytes, int connectionBytes, int frameBytesMax) {}

    /**
     * When a peer is asked for a sign of life.
     *
     * @param interval between an answer and the next PING
     * @param timeout how long the answer may take
     */
    public record Ping(Duration interval, Duration timeout) {}
}
