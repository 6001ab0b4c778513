package io.culvert.agent.contract;

import io.culvert.agent.base.BufferPool;
import io.culvert.agent.base.BufferShare;
import io.culvert.agent.base.Loop;
import io.culvert.agent.base.Pipe;
import io.culvert.agent.base.PipePool;
import io.culvert.agent.base.PipeShare;
import io.culvert.agent.base.Ticker;
import io.culvert.agent.base.Timer;
import java.nio.ByteBuffer;

/** A loop whose pipes are all lent to somebody else. */
final class PipelessLoop implements Loop {
    private static final class NoPipe extends Pipe {
        @Override
        public int bytes() {
            return 0;
        }

        @Override
        protected void close() {
            // There is nothing to close.
        }
    }

    private final Loop loop;
    private final PipePool pipePool = new PipePool(NoPipe::new, Ticker.SYSTEM);
    private final PipeShare pipes = pipePool.share();

    PipelessLoop(Loop loop) {
        this.loop = loop;
        while (pipes.borrow() != null) {
            // It is never given back.
        }
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
