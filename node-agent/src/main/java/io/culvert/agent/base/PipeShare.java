package io.culvert.agent.base;

import org.jspecify.annotations.Nullable;

/**
 * What one pod may borrow of its loop's {@link PipePool}.
 *
 * <p>Runs on: its loop. Bounds: {@value PipePool#SHARE_PIPES_MAX} pipes.
 */
public final class PipeShare {
    private final PipePool pool;
    private int lent;

    PipeShare(PipePool pool) {
        this.pool = pool;
    }

    /** An empty pipe; null when none may be lent. */
    public @Nullable Pipe borrow() {
        Pipe pipe = lent < PipePool.SHARE_PIPES_MAX ? pool.take() : null;
        if (pipe == null) {
            return null;
        }
        lent++;
        return pipe.lentBy(this);
    }

    void takeBack(Pipe pipe) {
        lent--;
        pool.keep(pipe);
    }
}
