package io.culvert.agent.contract;

import io.culvert.agent.base.BufferPool;
import io.culvert.agent.base.BufferShare;
import io.culvert.agent.base.Loop;
import io.culvert.agent.base.PipePool;
import io.culvert.agent.base.PipeShare;
import io.culvert.agent.base.Ticker;
import io.culvert.agent.base.Timer;
import io.culvert.shim.Errno;
import io.culvert.shim.ShimException;
import java.nio.ByteBuffer;

/** A loop to which the kernel grants no pipes. */
final class PipelessLoop implements Loop {
    private final Loop loop;
    private final PipePool pipePool = new PipePool(
            () -> {
                throw new ShimException("pipe2", Errno.EMFILE.number());
            },
            Ticker.SYSTEM);
    private final PipeShare pipes = pipePool.share();

    PipelessLoop(Loop loop) {
        this.loop = loop;
    }

    @Override
    public void execute(Runnable task) {
        loop.execute(task);
    }

    @Override
    public Timer schedule(Runnable task, long delayNanos) {
        return loop.schedule(task, delayNanos);
    }

    @Override
    public long nanoTime() {
        return loop.nanoTime();
    }

    @Override
    public BufferPool pool() {
        return loop.pool();
    }

    @Override
    public BufferShare buffers() {
        return loop.buffers();
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
        return loop.cipherIn();
    }

    @Override
    public ByteBuffer plainIn() {
        return loop.plainIn();
    }

    @Override
    public ByteBuffer cipherOut() {
        return loop.cipherOut();
    }

    @Override
    public ByteBuffer relayScratch() {
        return loop.relayScratch();
    }
}
