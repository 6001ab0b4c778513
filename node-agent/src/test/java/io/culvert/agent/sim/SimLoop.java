package io.culvert.agent.sim;

import io.culvert.agent.base.BufferPool;
import io.culvert.agent.base.BufferShare;
import io.culvert.agent.base.Loop;
import io.culvert.agent.base.LoopMemory;
import io.culvert.agent.base.PipePool;
import io.culvert.agent.base.PipeShare;
import io.culvert.agent.base.Timer;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.PriorityQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A loop in virtual time: time stands still while there is something to do, then jumps to the next timer. What a task
 * throws fails the run.
 */
public final class SimLoop implements Loop {
    /** No run takes more steps than this; one that does is a loop of ours. */
    private static final int STEPS_MAX = 20_000_000;

    private static final LoopMemory SCRATCH = new LoopMemory(1, Runnable::run);
    // Buffers are kept from run to run, so that each begins with another's bytes in them.
    private static final LoopPool AMPLE = new LoopPool(256L << 20);
    private static final LoopPool SCARCE = new LoopPool(4L * BufferPool.LARGE);

    /** A pool that goes from one loop to the next. */
    private static final class LoopPool {
        private final long bytesMax;
        private BufferPool pool;
        private @Nullable SimLoop current;

        private LoopPool(long bytesMax) {
            this.bytesMax = bytesMax;
            this.pool = fresh();
        }

        private BufferPool fresh() {
            return new BufferPool(bytesMax, task -> {
                SimLoop loop = current;
                if (loop != null) {
                    loop.execute(task);
                }
            });
        }

        private BufferPool of(SimLoop loop) {
            current = loop;
            return pool;
        }
    }

    private static final class Entry implements Comparable<Entry>, Timer {
        private final long atNanos;
        private final long order;
        private final boolean ours;
        private final Runnable task;
        private boolean cancelled;

        private Entry(long atNanos, long order, boolean ours, Runnable task) {
            this.atNanos = atNanos;
            this.order = order;
            this.ours = ours;
            this.task = task;
        }

        @Override
        public int compareTo(Entry other) {
            return atNanos == other.atNanos ? Long.compare(order, other.order) : Long.compare(atNanos, other.atNanos);
        }

        @Override
        public void cancel() {
            cancelled = true;
        }
    }

    private final LoopPool lending;
    private final BufferPool pool;
    private final BufferShare share;
    private final PipePool pipePool = new PipePool(MemoryPipe::new, this::nanoTime);
    private final PipeShare pipes = pipePool.share();
    private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
    private final PriorityQueue<Entry> timers = new PriorityQueue<>();
    private long nowNanos;
    private long order;
    private int steps;

    /** A loop at time zero; one that is short of buffers has four large ones. */
    public SimLoop(boolean shortOfBuffers) {
        this(shortOfBuffers ? SCARCE : AMPLE);
    }

    /** A loop with so much memory for buffers. */
    public SimLoop(long bufferBytesMax) {
        this(new LoopPool(bufferBytesMax));
    }

    private SimLoop(LoopPool lending) {
        this.lending = lending;
        this.pool = lending.of(this);
        this.share = pool.share();
        if (pool.lentBytes() != 0) {
            throw new IllegalStateException("an earlier run left " + pool.lentBytes() + " bytes lent");
        }
    }

    /** Forgets the buffers that a failed run left lent, so that the next run is judged by itself. */
    public void abandonBuffers() {
        if (pool.lentBytes() > 0) {
            lending.pool = lending.fresh();
        }
    }

    @Override
    public void execute(Runnable task) {
        tasks.addLast(task);
    }

    @Override
    public Timer schedule(Runnable task, long delayNanos) {
        return add(task, delayNanos, false);
    }

    /** Something that the world does, not the agent: it is no timer of ours. */
    void happen(Runnable task, long delayNanos) {
        add(task, delayNanos, true);
    }

    /** What somebody outside the agent does, after a delay. */
    public void outside(Runnable task, long delayNanos) {
        add(task, delayNanos, true);
    }

    private Timer add(Runnable task, long delayNanos, boolean outside) {
        Entry entry = new Entry(nowNanos + Math.max(0, delayNanos), order++, !outside, task);
        timers.add(entry);
        return entry;
    }

    /** Lets everything happen that happens before this much time has passed. */
    public void run(long nanos) {
        long until = nowNanos + nanos;
        while (true) {
            if (++steps > STEPS_MAX) {
                throw new AssertionError("the run does not come to rest");
            }
            Runnable task = tasks.pollFirst();
            if (task != null) {
                task.run();
                continue;
            }
            Entry next = timers.peek();
            if (next == null || next.atNanos > until) {
                nowNanos = until;
                return;
            }
            timers.remove();
            if (!next.cancelled) {
                nowNanos = next.atNanos;
                next.task.run();
            }
        }
    }

    /** {@link #run} in seconds. */
    public void runSeconds(long seconds) {
        run(TimeUnit.SECONDS.toNanos(seconds));
    }

    /** Timers of the agent that are neither due nor cancelled. */
    public long timers() {
        return timers.stream().filter(entry -> entry.ours && !entry.cancelled).count();
    }

    @Override
    public long nanoTime() {
        return nowNanos;
    }

    @Override
    public BufferShare buffers() {
        return share;
    }

    @Override
    public BufferPool pool() {
        return pool;
    }

    @Override
    public PipeShare pipes() {
        return pipes;
    }

    @Override
    public PipePool pipePool() {
        return pipePool;
    }

    @Override
    public ByteBuffer cipherIn() {
        return SCRATCH.cipherIn();
    }

    @Override
    public ByteBuffer plainIn() {
        return SCRATCH.plainIn();
    }

    @Override
    public ByteBuffer cipherOut() {
        return SCRATCH.cipherOut();
    }

    @Override
    public ByteBuffer relayScratch() {
        return SCRATCH.relayScratch();
    }
}
