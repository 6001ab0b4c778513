package io.culvert.agent.mesh;

import org.jspecify.annotations.Nullable;

/**
 * Makes equal values one: texts, ports, identities that thousands of workloads repeat.
 *
 * <p>It forgets: two values that fall on the same slot take turns, so it never holds more values than slots, and a value
 * nobody else holds is soon overwritten. It is shared by a snapshot and those built from it.
 *
 * <p>Runs on: the thread that builds a snapshot. Bounds: 256 slots, or one per workload up to 131,072.
 */
final class Interner {
    private static final int SLOTS_MIN = 256;
    private static final int SLOTS_MAX = 1 << 17;

    private @Nullable Object[] slots = new Object[SLOTS_MIN];

    /** An equal value that may have been seen before; the value itself otherwise. */
    <T> T same(T value) {
        int slot = slot(value);
        Object known = slots[slot];
        if (known != null && known.equals(value)) {
            @SuppressWarnings("unchecked") // immutable records, strings, lists and maps equal their own kind only
            T same = (T) known;
            return same;
        }
        slots[slot] = value;
        return value;
    }

    /** Makes room for the texts of so many workloads. */
    void expect(int workloads) {
        int wanted = slots.length;
        while (wanted < workloads && wanted < SLOTS_MAX) {
            wanted *= 2;
        }
        if (wanted == slots.length) {
            return;
        }
        @Nullable Object[] before = slots;
        slots = new Object[wanted];
        for (Object value : before) {
            if (value != null) {
                slots[slot(value)] = value;
            }
        }
    }

    private int slot(Object value) {
        return Index.mix(value.hashCode()) & (slots.length - 1);
    }
}
