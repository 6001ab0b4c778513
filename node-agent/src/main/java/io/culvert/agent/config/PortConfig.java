package io.culvert.agent.config;

/**
 * Where the agent listens; the first three in each pod, the others in its own network namespace, where 0 picks a free
 * port.
 *
 * @param outbound capture of what pods open
 * @param passthrough capture of plaintext that arrives
 * @param inbound HBONE
 * @param admin admin interface
 * @param stats metrics
 * @param readiness readiness
 */
public record PortConfig(int outbound, int passthrough, int inbound, int admin, int stats, int readiness) {
    /** True for a port at which the agent itself listens in pods, where no connection may be sent. */
    public boolean isCapture(int port) {
        return port == outbound || port == passthrough || port == inbound;
    }
}
