package io.culvert.agent.xds;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Tasks for one thread, which waits for them. Whoever brings one takes no lock, for it may be a loop.
 *
 * <p>Runs on: {@link #add} on any, {@link #await} on one thread at a time.
 */
final class Mailbox {
    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private volatile @Nullable Thread waiting;

    void add(Runnable task) {
        tasks.add(task);
        LockSupport.unpark(waiting);
    }

    /** The next task; null when none comes in time. */
    @Nullable
    Runnable await(long atMostNanos) throws InterruptedException {
        Runnable next = tasks.poll();
        if (next != null || atMostNanos <= 0) {
            return next;
        }
        // Named before it is looked again: whoever adds after that look wakes this thread.
        waiting = Thread.currentThread();
        try {
            next = tasks.poll();
            if (next == null) {
                LockSupport.parkNanos(this, atMostNanos);
                next = tasks.poll();
            }
        } finally {
            waiting = null;
        }
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        return next;
    }
}
