package io.culvert.agent.base;

import io.netty.channel.IoEventLoop;
import io.netty.channel.IoHandle;
import io.netty.channel.IoRegistration;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.ScheduledFuture;
import io.netty.util.concurrent.SingleThreadEventExecutor;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;

/**
 * One event loop on epoll: both legs of a connection and its tunnel live on one of these, so that their state needs no
 * lock.
 *
 * <p>Runs on: its own thread, except {@link #execute} and {@link #schedule}, which any thread may call.
 */
public final class DataLoop implements Loop {
    /** Half of what is idle goes each time: within a minute most of it. */
    private static final long TRIM_PAUSE_SECONDS = 10;

    private final IoEventLoop executor;
    private final int index;
    private final LoopMemory memory;
    private final PipePool pipePool = new PipePool(KernelPipe::open, Ticker.SYSTEM);
    private final PipeShare pipes = pipePool.share();

    DataLoop(IoEventLoop executor, int index, long bufferBytesMax) {
        this.executor = executor;
        this.index = index;
        this.memory = new LoopMemory(bufferBytesMax, executor);
    }

    /** Has memory and pipes given back that are not used for long. */
    void trimForEver() {
        ScheduledFuture<?> _ =
                executor.scheduleWithFixedDelay(this::trim, TRIM_PAUSE_SECONDS, TRIM_PAUSE_SECONDS, TimeUnit.SECONDS);
    }

    private void trim() {
        memory.pool().trim();
        pipePool.trim();
    }

    public int index() {
        return index;
    }

    /** How many tasks wait for their turn, roughly. */
    public int pendingTasks() {
        return executor instanceof SingleThreadEventExecutor single ? single.pendingTasks() : 0;
    }

    /** The id of its thread; 0 where that is not known. */
    public long threadId() {
        return executor instanceof SingleThreadEventExecutor single
                ? single.threadProperties().id()
                : 0;
    }

    public boolean inLoop() {
        return executor.inEventLoop();
    }

    /** Registers a handle with the loop's epoll. */
    public Future<IoRegistration> register(IoHandle handle) {
        return executor.register(handle);
    }

    @Override
    public void execute(Runnable task) {
        executor.execute(task);
    }

    @Override
    public Timer schedule(Runnable task, long delayNanos) {
        ScheduledFuture<?> scheduled = executor.schedule(task, delayNanos, TimeUnit.NANOSECONDS);
        return () -> scheduled.cancel(false);
    }

    @Override
    public long nanoTime() {
        return Ticker.SYSTEM.nanoTime();
    }

    @Override
    public BufferShare buffers() {
        return memory.share();
    }

    @Override
    public BufferPool pool() {
        return memory.pool();
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
        return memory.cipherIn();
    }

    @Override
    public ByteBuffer plainIn() {
        return memory.plainIn();
    }

    @Override
    public ByteBuffer cipherOut() {
        return memory.cipherOut();
    }

    @Override
    public ByteBuffer relayScratch() {
        return memory.relayScratch();
    }
}
