package io.culvert.agent.config;

/**
 * How traffic is carried.
 *
 * @param enabled whether it is; otherwise names are answered and nothing else
 * @param sockets options of sockets
 * @param hbone tunnels
 * @param timeouts how long opening may take
 * @param limits how much there may be of anything
 * @param dns how pods' names are resolved
 */
public record ProxyConfig(
        boolean enabled,
        SocketConfig sockets,
        HboneConfig hbone,
        TimeoutConfig timeouts,
        LimitConfig limits,
        DnsConfig dns) {}
