package io.culvert.protocol.socks;

import io.culvert.protocol.net.IpPort;

/** Where a SOCKS client wants to be connected to. */
public sealed interface SocksTarget {
    /** An address. */
    record Address(IpPort destination) implements SocksTarget {}

    /**
     * A name, to be resolved by us.
     *
     * @param name 1..255 visible ASCII characters, not necessarily a domain name
     * @param port port
     */
    record Host(String name, int port) implements SocksTarget {}
}
