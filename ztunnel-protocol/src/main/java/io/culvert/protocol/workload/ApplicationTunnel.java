package io.culvert.protocol.workload;

/**
 * How the application behind a workload wants its inbound connections.
 *
 * @param protocol whether a PROXY v2 header precedes the bytes
 * @param port overrides the port; 0 keeps it
 */
public record ApplicationTunnel(Protocol protocol, int port) {
    /** What precedes the bytes. */
    public enum Protocol {
        NONE,
        PROXY
    }
}
