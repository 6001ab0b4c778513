package io.culvert.protocol.workload;

import io.culvert.protocol.net.Cidr;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One service of the mesh.
 *
 * @param name short name, for telemetry
 * @param namespace namespace
 * @param hostname DNS name, possibly {@code *.x}
 * @param vips exact virtual addresses
 * @param cidrVips virtual address ranges
 * @param ports service port to target port
 * @param subjectAltNames further identities its endpoints may prove, as SPIFFE URIs
 * @param waypoint its waypoint
 * @param weightedWaypoints canary waypoints, sampled by weight
 * @param loadBalancing endpoint preference; null is uniform
 * @param ipFamilies which addresses of endpoints may be used
 * @param canonical wins among services of the same address or name
 * @param visibility who may resolve it
 */
public record Service(
        String name,
        String namespace,
        String hostname,
        List<NetworkAddress> vips,
        List<NetworkCidr> cidrVips,
        PortMap ports,
        List<String> subjectAltNames,
        @Nullable GatewayAddress waypoint,
        List<WeightedWaypoint> weightedWaypoints,
        @Nullable LoadBalancing loadBalancing,
        IpFamilies ipFamilies,
        boolean canonical,
        Visibility visibility) {
    public Service {
        vips = List.copyOf(vips);
        cidrVips = List.copyOf(cidrVips);
        subjectAltNames = List.copyOf(subjectAltNames);
        weightedWaypoints = List.copyOf(weightedWaypoints);
    }

    /** The primary key. */
    public NamespacedName key() {
        return new NamespacedName(namespace, hostname);
    }

    /** A range of addresses within a network. */
    public record NetworkCidr(String network, Cidr cidr) {}

    /** A waypoint and its share of new connections. */
    public record WeightedWaypoint(GatewayAddress destination, long weight) {}

    /** Which address families of endpoints may be used. */
    public enum IpFamilies {
        AUTOMATIC,
        IPV4_ONLY,
        IPV6_ONLY,
        DUAL
    }

    /** Who may resolve a service. */
    public enum Visibility {
        PUBLIC,
        NAMESPACE
    }
}
