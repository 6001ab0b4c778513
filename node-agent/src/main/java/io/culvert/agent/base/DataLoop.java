package io.culvert.agent.base;

import io.netty.channel.IoEventLoop;
import io.netty.channel.IoHandle;
import io.netty.channel.IoRegistration;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.ScheduledFuture;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;

/**
 * One event loop with its buffers: both legs of a connection and its tunnel live on one of these, so that their state
 * needs no lock.
 *
 * <p>Runs on: its own thread, except {@link #execute} and {@link #schedule}, which any thread may call.
 *
 * <p>Owns: four scratch buffers, each used only within one call chain and never kept, and the pool of buffers that may
 * be kept.
 */
public final class DataLoop {
    /** One read's worth: four TLS records. */
    public static final int READ_BYTES_MAX = 64 * 1024;
    /** A TLS record never exceeds this on the wire. Source: RFC 8446 section 5.2. */
    public static final int TLS_RECORD_BYTES_MAX = 5 + 16_384 + 256;

    private final IoEventLoop executor;
    private final int index;
    private final BufferPool buffers;
    private final ByteBuffer cipherIn = ByteBuffer.allocateDirect(READ_BYTES_MAX + TLS_RECORD_BYTES_MAX);
    private final ByteBuffer plainIn = ByteBuffer.allocateDirect(READ_BYTES_MAX + TLS_RECORD_BYTES_MAX);
    private final ByteBuffer cipherOut = ByteBuffer.allocateDirect(READ_BYTES_MAX + 8 * 1024 + TLS_RECORD_BYTES_MAX);
    private final ByteBuffer relay = ByteBuffer.allocateDirect(READ_BYTES_MAX);

    DataLoop(IoEventLoop executor, int index, long bufferBytesMax) {
        this.executor = executor;
        this.index = index;
        this.buffers = new BufferPool(bufferBytesMax);
    }

    public int index() {
        return index;
    }

    public boolean inLoop() {
        return executor.inEventLoop();
    }

    /** Runs a task on the loop; from the loop itself, after the events of this tick. */
    public void execute(Runnable task) {
        executor.execute(task);
    }

    /** Runs a task on the loop after a delay, whatever happens. */
    public void after(long delayNanos, Runnable task) {
        ScheduledFuture<?> unneeded = schedule(task, delayNanos);
        assert !unneeded.isCancelled();
    }

    /** Runs a task on the loop after a delay, unless it is cancelled before. */
    public ScheduledFuture<?> schedule(Runnable task, long delayNanos) {
        return executor.schedule(task, delayNanos, TimeUnit.NANOSECONDS);
    }

    /** Registers a handle with the loop's epoll. */
    public Future<IoRegistration> register(IoHandle handle) {
        return executor.register(handle);
    }

    /** Buffers that may be kept beyond the call chain. */
    public BufferPool buffers() {
        return buffers;
    }

    /** Scratch for ciphertext just read, cleared. */
    public ByteBuffer cipherIn() {
        return cipherIn.clear();
    }

    /** Scratch for plaintext just decrypted, cleared. */
    public ByteBuffer plainIn() {
        return plainIn.clear();
    }

    /** Scratch for ciphertext about to be written, cleared. */
    public ByteBuffer cipherOut() {
        return cipherOut.clear();
    }

    /** Scratch for bytes relayed between two plain sockets, cleared. */
    public ByteBuffer relayScratch() {
        return relay.clear();
    }
}
