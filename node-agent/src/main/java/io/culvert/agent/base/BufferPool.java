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
 * connection. As many idle buffers are kept as may be lent at once: a buffer that was left to the collector would count
 * against the JVM's limit of direct memory until the collector ran, and whoever needed one then would stop the loop for it.
 */
public final class BufferPool {
    public static final int BUFFER_BYTES = Loop.READ_BYTES_MAX;

    private final ArrayDeque<ByteBuffer> idle = new ArrayDeque<>();
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
        return take();
    }

    /** Takes a buffer back; the caller must not use it any more. */
    public void giveBack(ByteBuffer buffer) {
        Invariant.check(lent > 0, "only what was lent is given back");
        lent--;
        keep(buffer);
    }

    /** A cleared buffer outside the budget, for what is written within this tick or soon after; never null. */
    public ByteBuffer borrowForTick() {
        return take();
    }

    /** Takes a buffer of {@link #borrowForTick} back. */
    public void giveBackForTick(ByteBuffer buffer) {
        keep(buffer);
    }

    private ByteBuffer take() {
        ByteBuffer buffer = idle.pollFirst();
        return buffer == null ? ByteBuffer.allocateDirect(BUFFER_BYTES) : buffer.clear();
    }

    /** The last one used is the next one lent, while the caches still know it. */
    private void keep(ByteBuffer buffer) {
        if (idle.size() < lentMax) {
            idle.addFirst(buffer);
        }
    }

    /** How many buffers are lent now. */
    public long lent() {
        return lent;
    }
}
