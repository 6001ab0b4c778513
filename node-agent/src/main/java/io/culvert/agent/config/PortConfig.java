package io.culvert.agent.config;

/**
 * Where the agent listens; the first four in each pod, the others in its own network namespace, where 0 picks a free
 * port.
 *
 * @param outbound capture of what pods open
 * @param passthrough capture of plaintext that arrives
 * @param inbound HBONE
 * @param socks SOCKS clients of the pod, 0 where they are not served
 * @param admin admin interface
 * @param stats metrics
 * @param readiness readiness
 */
public record PortConfig(int outbound, int passthrough, int inbound, int socks, int admin, int stats, int readiness) {}
