package io.culvert.protocol.workload;

import java.util.List;

/**
 * How an endpoint of a service is preferred.
 *
 * @param routingPreference scopes compared in this order
 * @param mode what a mismatch means
 * @param healthPolicy which endpoints count
 */
public record LoadBalancing(List<Scope> routingPreference, Mode mode, HealthPolicy healthPolicy) {
    public static final LoadBalancing STANDARD = new LoadBalancing(List.of(), Mode.STANDARD, HealthPolicy.ONLY_HEALTHY);

    public LoadBalancing {
        routingPreference = List.copyOf(routingPreference);
    }

    /** What is compared between source and endpoint. */
    public enum Scope {
        REGION,
        ZONE,
        SUBZONE,
        NODE,
        CLUSTER,
        NETWORK
    }

    /** What a mismatch means. */
    public enum Mode {
        STANDARD,
        STRICT,
        FAILOVER,
        PASSTHROUGH
    }

    /** Which endpoints count. */
    public enum HealthPolicy {
        ONLY_HEALTHY,
        ALLOW_ALL
    }
}
