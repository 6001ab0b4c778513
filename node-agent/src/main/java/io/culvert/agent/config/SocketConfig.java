package io.culvert.agent.config;

/**
 * Options of the sockets that the agent opens in pods.
 *
 * @param packetMark the mark that the redirect rules let pass, 0 for none
 * @param originalSource whether the application sees the client's address
 * @param ipv6 whether IPv6 is served
 * @param portReuse whether listeners set SO_REUSEPORT
 * @param keepalive TCP keepalive
 * @param userTimeout whether TCP_USER_TIMEOUT is set, to {@link Keepalive#total()}
 */
public record SocketConfig(
        int packetMark,
        OriginalSource originalSource,
        boolean ipv6,
        boolean portReuse,
        Keepalive keepalive,
        boolean userTimeout) {
    /** Whether the application sees the client's own address as the source. */
    public enum OriginalSource {
        /** Where the kernel allows it. */
        AUTO,
        /** Always, or the pod is not served. */
        TRUE,
        /** Never. */
        FALSE
    }
}
