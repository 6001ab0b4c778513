package io.culvert.agent.hbone;

import io.culvert.agent.base.BufferPool;
import io.culvert.agent.base.BufferShare;
import io.culvert.agent.base.BufferWait;
import io.culvert.agent.base.Chunk;
import io.culvert.agent.base.Loop;
import io.culvert.agent.base.Pipe;
import io.culvert.agent.base.PipeShare;
import io.culvert.agent.relay.RelayPeer;
import io.culvert.agent.relay.RelaySocket;
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
 * blocked there is none, and while no buffer is free the session's frames stay in the session.
 */
final class TunnelOutput {
    private static final int FRAME_HEADER_BYTES = 9;
    /** Less room than this in the batch is not worth a frame. */
    private static final int FRAME_BYTES_MIN = 1_024;

    /** What TLS adds to a batch, which must fit into as large a buffer when the kernel does not take it. */
    private static final int CIPHER_BYTES_MAX = 256;

    /** Of plaintext in a record. */
    private static final int RECORD_BYTES = 16_384;
    /** How much one frame moves by way of a pipe. */
    private static final int SPLICE_BYTES_MAX = 4 * Loop.READ_BYTES_MAX;

    private final BufferShare share;
    private final PipeShare pipes;
    private final BufferWait bufferWait;
    private final HboneSession session;
    private final Transport transport;
    private final Runnable requestFlush;
    private @Nullable Chunk batch;
    private int batched;
    private boolean closed;

    /**
     * Nothing to send yet.
     *
     * @param requestFlush has {@link #flush} called at the end of this tick; may be called many times
     * @param goOn a buffer is free, which none was before
     */
    TunnelOutput(Loop loop, HboneSession session, Transport transport, Runnable requestFlush, Runnable goOn) {
        this.share = loop.buffers();
        this.pipes = loop.pipes();
        this.bufferWait = BufferWait.forTunnel(share, goOn);
        this.session = session;
        this.transport = transport;
        this.requestFlush = requestFlush;
    }

    /** Nothing waits to be written, here or in the session. */
    boolean isEmpty() {
        return batched == 0 && session.pendingOutput() == 0;
    }

    /** Where so many of a stream's bytes may be read to; null when the transport blocks or no buffer is free. */
    @Nullable
    ByteBuffer room(int sendable) {
        ByteBuffer into = batch(BufferPool.LARGE);
        if (into != null && batchMax(into) - batched < FRAME_HEADER_BYTES + FRAME_BYTES_MIN) {
            flush();
            into = batch(BufferPool.LARGE);
        }
        if (into == null) {
            return null;
        }
        int from = batched + FRAME_HEADER_BYTES;
        return into.limit(Math.min(batchMax(into), from + sendable)).position(from);
    }

    private static int batchMax(ByteBuffer into) {
        return into.capacity() - CIPHER_BYTES_MAX;
    }

    /** {@code count} bytes of the stream lie in the batch, behind room for their header. */
    void sent(HboneStream stream, int count) {
        Chunk filled = batch;
        if (filled != null) {
            session.dataHeader(stream, count, false, filled.bytes().clear().position(batched));
            batched += FRAME_HEADER_BYTES + count;
            requestFlush.run();
        }
    }

    /**
     * Moves once what a socket has into a DATA frame, whose header goes out with all that is batched, and whose payload follows
     * by way of a pipe. To be called when {@link #drainControl} found nothing in the way.
     *
     * @param sendable how many bytes the stream may carry
     * @return bytes moved, or as {@link RelayPeer#splice} answers
     */
    int splice(HboneStream stream, RelaySocket from, int sendable) {
        if (room(1) == null) {
            return RelaySocket.FULL;
        }
        Pipe pipe = pipes.borrow();
        if (pipe == null) {
            return RelaySocket.NOT_SPLICED;
        }
        int count = from.read(pipe, wholeRecords(sendable));
        Chunk head = batch;
        if (count <= 0 || head == null) {
            pipe.giveBack();
            return count;
        }
        ByteBuffer frames = head.bytes().clear().position(batched);
        session.dataHeader(stream, count, false, frames);
        batched = 0;
        transport.write(frames.flip(), pipe, head.inExchange());
        release();
        return count;
    }

    /** As much as makes the last record a full one together with what is batched, where there is enough for that. */
    private int wholeRecords(int sendable) {
        int ahead = batched + FRAME_HEADER_BYTES;
        int most = Math.min(sendable, SPLICE_BYTES_MAX);
        int whole = (ahead + most) / RECORD_BYTES * RECORD_BYTES - ahead;
        return whole >= KernelRecords.SPLICE_BYTES_MIN ? whole : most;
    }

    /**
     * Moves the session's own frames into the batch, so that order is kept; false when the transport blocks or no buffer is
     * free.
     */
    boolean drainControl() {
        while (session.pendingOutput() > 0) {
            ByteBuffer into = batch(BufferPool.LARGE);
            if (into == null) {
                return false;
            }
            if (batched == batchMax(into)) {
                flush();
            } else {
                takeControl(into);
            }
        }
        return !isStuck();
    }

    private boolean isStuck() {
        return transport.isBlocked() || closed;
    }

    private void takeControl(ByteBuffer into) {
        into.clear().limit(batchMax(into)).position(batched);
        session.drainOutput(into);
        batched = into.position();
    }

    /** Writes the batch and the session's frames, unless the transport is blocked: then they stay. */
    void flush() {
        do {
            if (isStuck() || transport.isClosed()) {
                break;
            }
            ByteBuffer into = session.pendingOutput() > 0 ? batch(session.pendingOutput() + CIPHER_BYTES_MAX) : null;
            if (into != null) {
                // Behind the data, in the same record: whatever had to come before it is in the batch already.
                takeControl(into);
            }
            Chunk full = batch;
            if (full != null && batched > 0) {
                ByteBuffer frames = full.bytes().clear().limit(batched);
                batched = 0;
                transport.write(frames, full.inExchange());
            }
        } while (session.pendingOutput() > 0 && batch != null);
        if (batched == 0) {
            release();
        }
    }

    /** None while the transport is blocked, since it could stay for long. */
    private @Nullable ByteBuffer batch(int wanted) {
        Chunk held = batch;
        if (isStuck()) {
            return null;
        }
        if (held == null) {
            held = share.borrowForTunnel(wanted);
            if (held == null) {
                bufferWait.begin();
                return null;
            }
            batch = held;
            batched = 0;
            // Whoever asked may find that it has nothing to put into it.
            requestFlush.run();
        }
        return held.bytes();
    }

    /** Nothing is sent any more; what waits is dropped. */
    void close() {
        closed = true;
        bufferWait.end();
        release();
    }

    private void release() {
        Chunk held = batch;
        if (held != null) {
            batch = null;
            batched = 0;
            held.giveBack();
        }
    }
}
