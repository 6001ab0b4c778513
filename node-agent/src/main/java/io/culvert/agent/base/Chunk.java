package io.culvert.agent.base;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * One direct buffer, lent by a {@link BufferShare} to whoever keeps bytes in it.
 *
 * <p>Runs on: its loop.
 */
public final class Chunk {
    private final BufferPool.Size size;
    private final ByteBuffer bytes;
    private BufferShare.@Nullable Claim claim;

    Chunk(BufferPool.Size size) {
        this.size = size;
        this.bytes = ByteBuffer.allocateDirect(size.bytes());
    }

    /** The buffer itself, not to be used any more after {@link #giveBack}. */
    public ByteBuffer bytes() {
        return bytes;
    }

    /** Gives the buffer back to its pool, once. */
    public void giveBack() {
        BufferShare.Claim lender = claim;
        Invariant.check(lender != null, "only what was lent is given back, and once");
        if (lender != null) {
            claim = null;
            lender.takeBack(this);
        }
    }

    Chunk lentBy(BufferShare.Claim lender) {
        claim = lender;
        bytes.clear();
        return this;
    }

    BufferPool.Size size() {
        return size;
    }
}
