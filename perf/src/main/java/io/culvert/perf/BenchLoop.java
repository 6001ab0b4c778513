package io.culvert.perf;

import io.culvert.agent.base.BufferPool;
import io.culvert.agent.base.BufferShare;
import io.culvert.agent.base.Loop;
import io.culvert.agent.base.LoopMemory;
import io.culvert.agent.base.PipePool;
import io.culvert.agent.base.PipeShare;
import io.culvert.agent.base.Ticker;
import io.culvert.agent.base.Timer;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;

/** A loop that turns in the benchmark's thread, where no time passes. */
final class BenchLoop implements Loop {
    private static final long BUFFER_BYTES_MAX = 16L << 20;

    private final PipePool pipePool;
    private final PipeShare pipes;
    private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
    private final LoopMemory memory = new LoopMemory(BUFFER_BYTES_MAX, this::execute);

    BenchLoop(PipePool.Maker pipe) {
        pipePool = new PipePool(pipe, Ticker.SYSTEM);
        pipes = pipePool.share();
    }

    /** Runs what is to be run, until nothing is. */
    void turn() {
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
        }
    }

    @Override
    public void execute(Runnable task) {
        tasks.add(task);
    }

    @Override
    public Timer schedule(Runnable task, long delayNanos) {
        return () -> {};
    }

    @Override
    public long nanoTime() {
        return System.nanoTime();
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
    public PipePool pipePool() {
        return pipePool;
    }

    @Override
    public PipeShare pipes() {
        return pipes;
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
