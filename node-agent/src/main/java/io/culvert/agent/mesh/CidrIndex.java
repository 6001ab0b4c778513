package io.culvert.agent.mesh;

import io.culvert.protocol.net.Cidr;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.workload.Service;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Services by virtual address ranges: one index per prefix length in use, longest first.
 *
 * <p>Bounds: a lookup probes at most 129 indexes, usually one or two.
 */
final class CidrIndex {
    private static final int V4_BITS_MIN = 96;

    private record Level(int bits, AddressIndex<Service> prefixes) {}

    private final List<Level> levels;

    CidrIndex() {
        levels = new ArrayList<>(0);
    }

    /** A copy, open for writing. */
    CidrIndex(CidrIndex source) {
        levels = new ArrayList<>(source.levels.size());
        for (Level level : source.levels) {
            levels.add(new Level(level.bits, new AddressIndex<>(level.prefixes)));
        }
    }

    void freeze() {
        levels.removeIf(level -> level.prefixes.size() == 0);
        levels.forEach(level -> level.prefixes.freeze());
    }

    /** The client's namespace first, then the longest prefix, then a canonical service. */
    @Nullable
    Service find(String network, IpAddress ip, @Nullable String clientNamespace) {
        Service best = null;
        for (int i = 0; i < levels.size(); i++) {
            Level level = levels.get(i);
            if (ip.isV4() && level.bits < V4_BITS_MIN) {
                break;
            }
            Link<IpAddress, Service> chain = level.prefixes.find(network, high(ip, level.bits), low(ip, level.bits));
            Service found = ServiceIndexes.best(chain, clientNamespace);
            if (found != null && found.namespace().equals(clientNamespace)) {
                return found;
            }
            best = best == null ? found : best;
        }
        return best;
    }

    void replace(Service.NetworkCidr range, @Nullable Service before, @Nullable Service after) {
        int bits = range.cidr().network().isV4()
                ? range.cidr().length() + V4_BITS_MIN
                : range.cidr().length();
        ServiceIndexes.replace(level(bits).prefixes, range.network(), masked(range.cidr(), bits), before, after);
    }

    private Level level(int bits) {
        int at = 0;
        while (at < levels.size() && levels.get(at).bits > bits) {
            at++;
        }
        if (at == levels.size() || levels.get(at).bits != bits) {
            levels.add(at, new Level(bits, new AddressIndex<>()));
        }
        return levels.get(at);
    }

    private static IpAddress masked(Cidr cidr, int bits) {
        return new IpAddress(high(cidr.network(), bits), low(cidr.network(), bits));
    }

    private static long high(IpAddress ip, int bits) {
        return bits >= 64 ? ip.high() : bits == 0 ? 0 : ip.high() & (-1L << (64 - bits));
    }

    private static long low(IpAddress ip, int bits) {
        return bits == 128 ? ip.low() : bits <= 64 ? 0 : ip.low() & (-1L << (128 - bits));
    }
}
