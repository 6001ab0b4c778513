package io.culvert.agent.proxy;

import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/** The platform's socket addresses as ours. */
final class Addresses {
    static final IpPort UNKNOWN = new IpPort(IpAddress.V6_ANY, 0);

    private Addresses() {}

    static IpPort of(@Nullable InetSocketAddress address) {
        return address == null
                ? UNKNOWN
                : new IpPort(IpAddress.ofBytes(address.getAddress().getAddress()), address.getPort());
    }
}
