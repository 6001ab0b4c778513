package io.culvert.agent.base;

import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What one pod may borrow of its loop's {@link PipePool}.
 *
 * <p>Runs on: its loop. Bounds: {@value PipePool#SHARE_PIPES_MAX} pipes.
 */
public final class PipeShare {
    private final PipePool pool;
    private final Set<Runnable> waiting = new LinkedHashSet<>();
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

    /** Has somebody told once when there may be a pipe; asking again changes nothing. What is told must not borrow at once. */
    public void await(Runnable told) {
        waiting.add(told);
        pool.hungry(this);
    }

    /** Has nobody told any more. */
    public void forget(Runnable told) {
        waiting.remove(told);
    }

    /** Tells the one who has waited longest; false when nobody waits. */
    boolean wakeOne() {
        Iterator<Runnable> eldest = waiting.iterator();
        if (eldest.hasNext() && lent < PipePool.SHARE_PIPES_MAX) {
            Runnable told = eldest.next();
            eldest.remove();
            told.run();
        }
        return !waiting.isEmpty();
    }

    void takeBack(Pipe pipe) {
        lent--;
        pool.keep(pipe);
    }
}
