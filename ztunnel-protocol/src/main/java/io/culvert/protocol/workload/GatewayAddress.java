package io.culvert.protocol.workload;

/** Where a waypoint or a network gateway is reached. */
public sealed interface GatewayAddress {
    /** The port of its HBONE listener, 1..65535. */
    int hbonePort();

    /** By address. */
    record ByAddress(NetworkAddress address, int hbonePort) implements GatewayAddress {}

    /** By the hostname of a service or workload. */
    record ByHostname(NamespacedName hostname, int hbonePort) implements GatewayAddress {}
}
