package io.culvert.agent.base;

import org.jspecify.annotations.Nullable;

/**
 * A pipe on loan: bytes go from one socket to another by way of it, and the process never sees them.
 *
 * <p>Runs on: its loop. Owns: what it is made of, until it is closed by its pool.
 */
public abstract class Pipe {
    private @Nullable PipeShare borrower;

    /** How many bytes are in it. */
    public abstract int bytes();

    /** Gives up what it is made of, once. */
    protected abstract void close();

    final Pipe lentBy(PipeShare share) {
        borrower = share;
        return this;
    }

    /** Gives it back, also with bytes in it, which are dropped. */
    public final void giveBack() {
        PipeShare share = borrower;
        if (share == null) {
            throw new InvariantViolation("a pipe is given back once");
        }
        borrower = null;
        share.takeBack(this);
    }
}
