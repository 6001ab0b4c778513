package io.culvert.protocol.workload;

import io.culvert.protocol.net.IpAddress;

/**
 * An address within a named network; the same address may exist in several networks.
 *
 * @param network network id, empty for the default network
 * @param ip the address
 */
public record NetworkAddress(String network, IpAddress ip) {
    @Override
    public String toString() {
        return network + "/" + ip;
    }
}
