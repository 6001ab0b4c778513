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
    private final BufferShare.Lender inExchange = this::exchange;
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

    /**
     * Lends to whoever gives this buffer back in the same call chain: what it lends, at most as large, takes this one's place
     * in what is lent.
     */
    public BufferShare.Lender inExchange() {
        return inExchange;
    }

    private Chunk exchange(int wanted) {
        BufferShare.Claim lender = claim;
        if (lender == null) {
            throw new IllegalStateException("only what is lent is exchanged");
        }
        return lender.exchange(wanted, size);
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
