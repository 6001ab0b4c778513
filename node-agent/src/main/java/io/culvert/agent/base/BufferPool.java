package io.culvert.agent.base;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Direct buffers of one size, lent while bytes wait and given back at once.
 *
 * <p>Runs on: its loop. Owns: every buffer not lent.
 *
 * <p>Bounds: at most {@code bytesMax} lent at a time; {@link #borrow} answers null beyond, and the caller sheds the
 * connection. A few idle buffers are kept, the rest are left to the collector.
 */
public final class BufferPool {
    public static final int BUFFER_BYTES = Loop.READ_BYTES_MAX;
    private static final int IDLE_MAX = 32;

    private final ArrayDeque<ByteBuffer> idle = new ArrayDeque<>(IDLE_MAX);
    private final long lentMax;
    private long lent;

    /** An empty pool. */
    public BufferPool(long bytesMax) {
        lentMax = Math.max(1, bytesMax / BUFFER_BYTES);
    }

    /** A cleared buffer of {@link #BUFFER_BYTES}, or null when the budget is spent. */
    public @Nullable ByteBuffer borrow() {
        if (lent >= lentMax) {
            return null;
        }
        lent++;
        ByteBuffer buffer = idle.pollFirst();
        return buffer == null ? ByteBuffer.allocateDirect(BUFFER_BYTES) : buffer.clear();
    }

    /** Takes a buffer back; the caller must not use it any more. */
    public void giveBack(ByteBuffer buffer) {
        Invariant.check(lent > 0, "only what was lent is given back");
        lent--;
        if (idle.size() < IDLE_MAX) {
            idle.addFirst(buffer);
        }
    }

    /** A cleared buffer outside the budget, for what is written within this tick or soon after; never null. */
    public ByteBuffer borrowForTick() {
        ByteBuffer buffer = idle.pollFirst();
        return buffer == null ? ByteBuffer.allocateDirect(BUFFER_BYTES) : buffer.clear();
    }

    /** Takes a buffer of {@link #borrowForTick} back. */
    public void giveBackForTick(ByteBuffer buffer) {
        if (idle.size() < IDLE_MAX) {
            idle.addFirst(buffer);
        }
    }

    /** How many buffers are lent now. */
    public long lent() {
        return lent;
    }
}
