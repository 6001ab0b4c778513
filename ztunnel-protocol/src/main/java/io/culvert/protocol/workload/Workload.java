package io.culvert.protocol.workload;

import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.identity.TrustDomain;
import io.culvert.protocol.net.IpAddress;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One workload of the mesh: a pod, or a host outside the cluster.
 *
 * <p>Texts are empty where nothing is known, never null.
 *
 * @param uid primary key
 * @param name pod name
 * @param namespace namespace
 * @param addresses its addresses, possibly none
 * @param hostname resolved when there is no address
 * @param network network id, empty for the default
 * @param tunnelProtocol how it is reached
 * @param trustDomain trust domain of its identity
 * @param serviceAccount service account of its identity
 * @param waypoint its workload waypoint
 * @param networkGateway how to reach it from another network
 * @param node the node it runs on
 * @param canonicalName canonical service, for telemetry
 * @param canonicalRevision canonical revision, for telemetry
 * @param type what owns it, for telemetry
 * @param workloadName name of what owns it, for telemetry
 * @param nativeTunnel it speaks HBONE itself
 * @param applicationTunnel how its application wants inbound connections
 * @param services services it is an endpoint of, with its own port maps
 * @param authorizationPolicies policies that select it, as {@code namespace/name}
 * @param status health
 * @param clusterId cluster
 * @param locality where it runs
 * @param networkMode whether it shares the node's network
 * @param capacity weight in load balancing, 0 = never picked
 */
public record Workload(
        WorkloadUid uid,
        String name,
        String namespace,
        List<IpAddress> addresses,
        String hostname,
        String network,
        TunnelProtocol tunnelProtocol,
        TrustDomain trustDomain,
        String serviceAccount,
        @Nullable GatewayAddress waypoint,
        @Nullable GatewayAddress networkGateway,
        String node,
        String canonicalName,
        String canonicalRevision,
        WorkloadType type,
        String workloadName,
        boolean nativeTunnel,
        @Nullable ApplicationTunnel applicationTunnel,
        Map<NamespacedName, PortMap> services,
        List<NamespacedName> authorizationPolicies,
        Health status,
        String clusterId,
        Locality locality,
        NetworkMode networkMode,
        int capacity) {
    public Workload {
        addresses = List.copyOf(addresses);
        services = Map.copyOf(services);
        authorizationPolicies = List.copyOf(authorizationPolicies);
        if (capacity < 0) {
            throw new IllegalArgumentException("capacity " + capacity + " is negative");
        }
    }

    /** False for a network gateway of which no namespace is known: nothing that it proves can be expected. */
    public boolean hasIdentity() {
        return !namespace.isEmpty();
    }

    /**
     * The identity that its certificate carries.
     *
     * <p>Errors: {@link IllegalArgumentException} where {@link #hasIdentity} is false.
     */
    public SpiffeId identity() {
        return new SpiffeId(trustDomain, namespace, serviceAccount);
    }

    /** As {@link #identity}, null where it has none. */
    public @Nullable SpiffeId identityOrNull() {
        return hasIdentity() ? identity() : null;
    }

    /** How a workload is reached. */
    public enum TunnelProtocol {
        /** Plain TCP. */
        NONE,
        /** HBONE on port 15008. */
        HBONE
    }

    /** What owns a workload. */
    public enum WorkloadType {
        DEPLOYMENT,
        CRONJOB,
        POD,
        JOB
    }

    /** Whether a workload may receive. */
    public enum Health {
        HEALTHY,
        UNHEALTHY
    }

    /** Whether a workload has its own network namespace. */
    public enum NetworkMode {
        STANDARD,
        HOST_NETWORK
    }
}
