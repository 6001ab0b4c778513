package io.culvert.agent.base;

import java.nio.ByteBuffer;

/**
 * A loop as one pod sees it: with shares of the buffers and pipes of its own.
 *
 * <p>Runs on: its loop, except {@link #execute} and {@link #schedule}, which any thread may call.
 */
public final class ShareLoop implements Loop {
    private final Loop loop;
    private final BufferShare share;
    private final PipeShare pipes;

    /** @param loop whose turns, time and scratch buffers these are */
    public ShareLoop(Loop loop) {
        this.loop = loop;
        this.share = loop.pool().share();
        this.pipes = loop.pipePool().share();
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
        return share;
    }

    @Override
    public PipeShare pipes() {
        return pipes;
    }

    @Override
    public PipePool pipePool() {
        return loop.pipePool();
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
