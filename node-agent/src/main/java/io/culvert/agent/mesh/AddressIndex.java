package io.culvert.agent.mesh;

import io.culvert.protocol.net.IpAddress;
import org.jspecify.annotations.Nullable;

/** Values by network and address. Looking up allocates nothing. */
final class AddressIndex<V> extends Index<Link<IpAddress, V>> {
    AddressIndex() {}

    AddressIndex(AddressIndex<V> source) {
        super(source);
    }

    @Nullable
    Link<IpAddress, V> find(String network, IpAddress ip) {
        return find(network, ip.high(), ip.low());
    }

    @Nullable
    Link<IpAddress, V> find(String network, long high, long low) {
        int slot = slot(hash(network, high, low));
        Link<IpAddress, V> link = at(slot);
        while (link != null
                && !(link.first().low() == low
                        && link.first().high() == high
                        && link.second().equals(network))) {
            slot = next(slot);
            link = at(slot);
        }
        return link;
    }

    /** Makes a chain the only one under its key; a null chain leaves nothing there. */
    void replace(@Nullable Link<IpAddress, V> before, @Nullable Link<IpAddress, V> after) {
        if (after != null) {
            put(after);
        } else if (before != null) {
            remove(before);
        }
    }

    @Override
    int hash(Link<IpAddress, V> link) {
        return hash(link.second(), link.first().high(), link.first().low());
    }

    @Override
    boolean sameKey(Link<IpAddress, V> one, Link<IpAddress, V> other) {
        return one.first().equals(other.first()) && one.second().equals(other.second());
    }

    private static int hash(String network, long high, long low) {
        return mix((high * 0xbf58_476d_1ce4_e5b9L) ^ (low * 0x94d0_49bb_1331_11ebL) ^ network.hashCode());
    }
}
