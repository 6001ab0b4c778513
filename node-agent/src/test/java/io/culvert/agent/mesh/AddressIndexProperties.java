package io.culvert.agent.mesh;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.workload.NetworkAddress;
import io.culvert.testkit.Gen;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The address index against a hash map. */
class AddressIndexProperties {
    private record Kept(AddressIndex<Integer> index, Map<NetworkAddress, Integer> model) {}

    @Test
    void answersLikeAHashMap_inEveryCopy() {
        Gen.forAll(200, gen -> {
            AddressIndex<Integer> index = new AddressIndex<>();
            Map<NetworkAddress, Integer> model = new HashMap<>();
            List<Kept> kept = new ArrayList<>();
            int universe = gen.pick(10, 300, 3_000);
            for (int copy = 0; copy < 4; copy++) {
                boolean shrinking = gen.oneIn(3);
                for (int step = gen.size(1_500); step > 0; step--) {
                    NetworkAddress key = key(gen.intBetween(0, universe));
                    if (gen.oneIn(shrinking ? 1 : 3)) {
                        index.replace(index.find(key.network(), key.ip()), null);
                        model.remove(key);
                    } else {
                        index.put(new Link<>(key.ip(), key.network(), step, null));
                        model.put(key, step);
                    }
                }
                index.freeze();
                kept.add(new Kept(index, new HashMap<>(model)));
                index = new AddressIndex<>(index);
            }
            kept.forEach(each -> check(each, universe));
        });
    }

    @Test
    void refusesWritesOnceFrozen() {
        AddressIndex<Integer> index = new AddressIndex<>();
        index.freeze();

        assertThrows(IllegalStateException.class, () -> index.put(new Link<>(IpAddress.V6_LOOPBACK, "", 1, null)));
    }

    private static void check(Kept kept, int universe) {
        assertEquals(kept.model.size(), kept.index.size());
        for (int i = 0; i <= universe; i++) {
            NetworkAddress key = key(i);
            assertEquals(kept.model.get(key), value(kept.index.find(key.network(), key.ip())));
        }
        Map<NetworkAddress, Integer> iterated = new HashMap<>();
        kept.index.forEach(link -> iterated.put(new NetworkAddress(link.second(), link.first()), link.value()));
        assertEquals(kept.model, iterated);
    }

    private static @Nullable Integer value(@Nullable Link<IpAddress, Integer> link) {
        return link == null ? null : link.value();
    }

    /** Neighbouring addresses of both families in three networks. */
    private static NetworkAddress key(int number) {
        IpAddress ip = number % 2 == 0 ? IpAddress.ofV4(0x0a00_0000 + number / 6) : new IpAddress(number / 6, 0);
        return new NetworkAddress("network-" + number % 3, ip);
    }
}
