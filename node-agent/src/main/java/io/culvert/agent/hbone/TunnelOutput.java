package io.culvert.agent.hbone;

import io.culvert.agent.base.Loop;
import io.culvert.protocol.hbone.HboneSession;
import io.culvert.protocol.hbone.HboneStream;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What a tunnel is about to send: the frames of all its streams gather in one batch, which is encrypted and written once, at
 * the end of the loop's tick or when it is full. Application bytes are read straight into the batch, behind room for their
 * frame header.
 *
 * <p>Runs on: its loop. Owns: the batch while it is not empty. Bounds: the batch by one pooled buffer; while the transport is
 * blocked it stays, and nothing is added.
 */
final class TunnelOutput {
    private static final int FRAME_HEADER_BYTES = 9;
    /** Less room than this in the batch is not worth a frame. */
    private static final int FRAME_BYTES_MIN = 1_024;

    private final Loop loop;
    private final HboneSession session;
    private final Transport transport;
    private final Runnable requestFlush;
    private @Nullable ByteBuffer batch;
    private int batched;
    private boolean closed;

    /** @param requestFlush has {@link #flush} called at the end of this tick; may be called many times */
    TunnelOutput(Loop loop, HboneSession session, Transport transport, Runnable requestFlush) {
        this.loop = loop;
        this.session = session;
        this.transport = transport;
        this.requestFlush = requestFlush;
    }

    /** Nothing waits to be written, here or in the session. */
    boolean isEmpty() {
        return batched == 0 && session.pendingOutput() == 0;
    }

    /** Where so many of a stream's bytes may be read to; null when the transport blocks. */
    @Nullable
    ByteBuffer room(int sendable) {
        ByteBuffer into = batch();
        if (into.capacity() - batched < FRAME_HEADER_BYTES + FRAME_BYTES_MIN) {
            flush();
            if (isStuck()) {
                return null;
            }
            into = batch();
        }
        int from = batched + FRAME_HEADER_BYTES;
        return into.limit(Math.min(into.capacity(), from + sendable)).position(from);
    }

    /** {@code count} bytes of the stream lie in the batch, behind room for their header. */
    void sent(HboneStream stream, int count) {
        ByteBuffer filled = batch();
        filled.clear().position(batched);
        session.dataHeader(stream, count, false, filled);
        batched += FRAME_HEADER_BYTES + count;
        requestFlush.run();
    }

    /** Moves the session's own frames into the batch, so that order is kept; false when the transport blocks. */
    boolean drainControl() {
        while (session.pendingOutput() > 0) {
            if (batched == batch().capacity()) {
                flush();
                if (isStuck()) {
                    return false;
                }
            }
            takeControl();
        }
        return !transport.isBlocked();
    }

    private boolean isStuck() {
        return transport.isBlocked() || closed;
    }

    private void takeControl() {
        ByteBuffer into = batch();
        into.clear().position(batched);
        session.drainOutput(into);
        batched = into.position();
    }

    /** Writes the batch and the session's frames, unless the transport is blocked: then they stay. */
    void flush() {
        do {
            if (transport.isBlocked() || transport.isClosed()) {
                return;
            }
            ByteBuffer full = batch;
            if (full != null && batched > 0) {
                full.clear().limit(batched);
                batched = 0;
                transport.write(full);
            }
            if (session.pendingOutput() > 0 && !closed) {
                takeControl();
            }
        } while (batched > 0);
        release();
    }

    private ByteBuffer batch() {
        ByteBuffer held = batch;
        if (held == null) {
            held = loop.buffers().borrowForTick();
            batch = held;
            batched = 0;
            // Whoever asked may find that it has nothing to put into it.
            requestFlush.run();
        }
        return held;
    }

    /** Nothing is sent any more; what waits is dropped. */
    void close() {
        closed = true;
        release();
    }

    private void release() {
        ByteBuffer held = batch;
        if (held != null) {
            batch = null;
            batched = 0;
            loop.buffers().giveBackForTick(held);
        }
    }
}
