package io.culvert.agent.base;

import java.nio.ByteBuffer;

/**
 * One loop's scratch buffers and its pool.
 *
 * <p>Runs on: its loop.
 */
public final class LoopMemory {
    private final BufferPool pool;
    private final ByteBuffer cipherIn = ByteBuffer.allocateDirect(Loop.READ_BYTES_MAX + Loop.TLS_RECORD_BYTES_MAX);
    private final ByteBuffer plainIn = ByteBuffer.allocateDirect(Loop.READ_BYTES_MAX + Loop.TLS_RECORD_BYTES_MAX);
    private final ByteBuffer cipherOut =
            ByteBuffer.allocateDirect(Loop.READ_BYTES_MAX + 8 * 1024 + Loop.TLS_RECORD_BYTES_MAX);
    private final ByteBuffer relay = ByteBuffer.allocateDirect(Loop.READ_BYTES_MAX);

    /**
     * Allocates the scratch buffers.
     *
     * @param bufferBytesMax how many bytes the pool may have lent at once
     */
    public LoopMemory(long bufferBytesMax) {
        this.pool = new BufferPool(bufferBytesMax);
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
