package io.culvert.agent.base;

import java.nio.ByteBuffer;
import java.util.concurrent.Executor;

/**
 * One loop's scratch buffers and its pool.
 *
 * <p>Runs on: its loop.
 */
public final class LoopMemory {
    private final BufferPool pool;
    private final BufferShare share;
    private final ByteBuffer cipherIn = ByteBuffer.allocateDirect(Loop.READ_BYTES_MAX + Loop.TLS_RECORD_BYTES_MAX);
    private final ByteBuffer plainIn = ByteBuffer.allocateDirect(Loop.READ_BYTES_MAX + Loop.TLS_RECORD_BYTES_MAX);
    private final ByteBuffer cipherOut =
            ByteBuffer.allocateDirect(Loop.READ_BYTES_MAX + 8 * 1024 + Loop.TLS_RECORD_BYTES_MAX);
    private final ByteBuffer relay = ByteBuffer.allocateDirect(Loop.READ_BYTES_MAX);

    /**
     * Allocates the scratch buffers.
     *
     * @param bufferBytesMax how much memory the pool may take
     * @param loop runs a task after the one that runs now
     */
    public LoopMemory(long bufferBytesMax, Executor loop) {
        this.pool = new BufferPool(bufferBytesMax, loop);
        this.share = pool.share();
    }

    /** The share of whoever has none of its own. */
    public BufferShare share() {
        return share;
    }

    public BufferPool pool() {
        return pool;
    }

    /** {@link Loop#cipherIn}. */
    public ByteBuffer cipherIn() {
        return cipherIn.clear();
    }

    /** {@link Loop#plainIn}. */
    public ByteBuffer plainIn() {
        return plainIn.clear();
    }

    /** {@link Loop#cipherOut}. */
    public ByteBuffer cipherOut() {
        return cipherOut.clear();
    }

    /** {@link Loop#relayScratch}. */
    public ByteBuffer relayScratch() {
        return relay.clear();
    }
}
