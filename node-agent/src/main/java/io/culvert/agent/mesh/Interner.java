package io.culvert.agent.mesh;

import org.jspecify.annotations.Nullable;

/**
 * Makes equal values one: texts, ports, identities that thousands of workloads repeat.
 *
 * <p>It forgets: each pair of slots keeps the two values seen last of those that fall on it, so it never holds more values
 * than slots. It is shared by a snapshot and those built from it.
 *
 * <p>Runs on: the thread that builds a snapshot. Bounds: 256 slots, or four a workload up to 131,072.
 */
final class Interner {
    private static final int SLOTS_MIN = 256;
    private static final int SLOTS_MAX = 1 << 17;

    private @Nullable Object[] slots = new Object[SLOTS_MIN];

    /** An equal value that may have been seen before; the value itself otherwise. */
    <T> T same(T value) {
        int latest = pair(value);
        T known = sameAt(latest, value);
        if (known != null) {
            return known;
        }
        known = sameAt(latest + 1, value);
        T kept = known == null ? value : known;
        slots[latest + 1] = slots[latest];
        slots[latest] = kept;
        return kept;
    }

    @SuppressWarnings("unchecked") // immutable records, strings, lists and maps equal their own kind only
    private <T> @Nullable T sameAt(int slot, T value) {
        Object known = slots[slot];
        return known != null && known.equals(value) ? (T) known : null;
    }

    /** Makes room for the texts of so many workloads. */
    void expect(int workloads) {
        int wanted = slots.length;
        while (wanted < workloads * 4L && wanted < SLOTS_MAX) {
            wanted *= 2;
        }
        if (wanted == slots.length) {
            return;
        }
        @Nullable Object[] before = slots;
        slots = new Object[wanted];
        for (Object value : before) {
            if (value != null) {
                same(value);
            }
        }
    }

    private int pair(Object value) {
        return Index.mix(value.hashCode()) & (slots.length - 2);
    }
}
