package io.culvert.agent.mesh;

import java.util.Arrays;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * An open-addressing hash table of nodes that carry their own keys, cut into chunks that successive snapshots share.
 *
 * <p>A copy shares every chunk and copies one when it first writes to it, so a snapshot with few changes costs the chunk
 * directory (one reference per 128 slots) and the chunks it touched. Linear probing; removal shifts back, so there are no
 * tombstones.
 *
 * <p>Runs on: any, once frozen; until then on the thread that builds. Bounds: filled between 1/8 and 2/3 above the smallest
 * size of 128 slots.
 */
abstract class Index<N> {
    private static final int CHUNK_BITS = 7;
    private static final int CHUNK_SLOTS = 1 << CHUNK_BITS;

    private @Nullable Object[][] chunks;
    /** Which chunks no frozen copy sees; null once frozen. */
    private boolean @Nullable [] owned;

    private int size;

    /** An empty index, open for writing. */
    Index() {
        chunks = new Object[1][CHUNK_SLOTS];
        owned = new boolean[] {true};
    }

    /** A copy of a frozen index, open for writing. */
    Index(Index<N> source) {
        chunks = source.chunks.clone();
        owned = new boolean[chunks.length];
        size = source.size;
    }

    /** Well mixed in its low bits. */
    abstract int hash(N node);

    abstract boolean sameKey(N one, N other);

    final void freeze() {
        owned = null;
    }

    final int size() {
        return size;
    }

    final int slot(int hash) {
        return hash & mask();
    }

    final int next(int slot) {
        return (slot + 1) & mask();
    }

    @SuppressWarnings("unchecked") // set() is the only writer and takes only nodes of type N
    final @Nullable N at(int slot) {
        return (@Nullable N) chunks[slot >>> CHUNK_BITS][slot & (CHUNK_SLOTS - 1)];
    }

    /** Adds a node, or replaces the one of the same key. */
    final void put(N node) {
        int slot = locate(node);
        if (at(slot) == null) {
            if ((size + 1) * 3L > capacity() * 2L) {
                resize(chunks.length * 2);
                slot = locate(node);
            }
            size++;
        }
        set(slot, node);
    }

    /** Removes the node of the same key, if there is one. */
    final void remove(N node) {
        int hole = locate(node);
        if (at(hole) == null) {
            return;
        }
        int slot = next(hole);
        for (N candidate = at(slot); candidate != null; candidate = at(slot)) {
            int fromHome = (slot - slot(hash(candidate))) & mask();
            if (fromHome >= ((slot - hole) & mask())) {
                set(hole, candidate);
                hole = slot;
            }
            slot = next(slot);
        }
        set(hole, null);
        size--;
        if (chunks.length > 1 && size * 8L < capacity()) {
            resize(chunks.length / 2);
        }
    }

    final void forEach(Consumer<N> action) {
        for (int slot = 0; slot < capacity(); slot++) {
            N node = at(slot);
            if (node != null) {
                action.accept(node);
            }
        }
    }

    private int locate(N node) {
        int slot = slot(hash(node));
        for (N there = at(slot); there != null && !sameKey(there, node); there = at(slot)) {
            slot = next(slot);
        }
        return slot;
    }

    private void set(int slot, @Nullable N node) {
        boolean[] writable = owned;
        if (writable == null) {
            throw new IllegalStateException("the index is frozen");
        }
        int chunk = slot >>> CHUNK_BITS;
        if (!writable[chunk]) {
            chunks[chunk] = chunks[chunk].clone();
            writable[chunk] = true;
        }
        chunks[chunk][slot & (CHUNK_SLOTS - 1)] = node;
    }

    private void resize(int chunkCount) {
        @Nullable Object[][] before = chunks;
        chunks = new Object[chunkCount][CHUNK_SLOTS];
        owned = new boolean[chunkCount];
        Arrays.fill(owned, true);
        for (@Nullable Object[] chunk : before) {
            for (Object each : chunk) {
                if (each != null) {
                    @SuppressWarnings("unchecked") // as in at()
                    N node = (N) each;
                    set(locate(node), node);
                }
            }
        }
    }

    private int capacity() {
        return chunks.length << CHUNK_BITS;
    }

    private int mask() {
        return capacity() - 1;
    }

    /** Spreads the entropy of a hash over all of its bits. */
    static int mix(long hash) {
        long mixed = (hash ^ (hash >>> 32)) * 0x9e37_79b9_7f4a_7c15L;
        return (int) (mixed ^ (mixed >>> 32));
    }
}
