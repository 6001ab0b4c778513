package io.culvert.agent.hbone;

import io.culvert.agent.base.DataLoop;
import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.relay.ChunkQueue;
import io.culvert.agent.relay.TcpSocket;
import io.netty.util.concurrent.ScheduledFuture;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * A socket with TLS on it: handshake, then plaintext in and out in whole records.
 *
 * <p>Runs on: its loop. Owns: the socket, the engine, a partly received record and ciphertext that the kernel would not
 * take yet.
 *
 * <p>Bounds: one partial record in, before the handshake is done in no more memory than its bytes; out, what one {@link #write} produced, since {@link #isBlocked} forbids the next.
 */
final class TlsTransport implements TcpSocket.Listener {
    private static final ByteBuffer NOTHING = ByteBuffer.allocateDirect(0);
    private static final int READS_PER_TURN_MAX = 4;
    private static final int PLAIN_RECORD_BYTES_MAX = 16_384;
    /** An engine may want to write before it reads on; one that then still takes nothing waits for more. */
    private static final int IDLE_UNWRAPS_MAX = 4;

    /** How long the peer may take to read our last words and close its side. */
    private static final long LINGER_NANOS = TimeUnit.SECONDS.toNanos(2);

    /** Told what happens. */
    interface Events {
        /** The handshake is complete. */
        void onSecured();

        /** Bytes were decrypted; all of them must be used before this returns. */
        void onPlain(ByteBuffer in);

        /** What was blocked may write again. */
        void onUnblocked();

        /** The peer closed, or the connection broke; once, and nothing follows. */
        void onTransportClosed(Failure failure, @Nullable Throwable cause);
    }

    /** How a transport ended. */
    enum Failure {
        /** The peer closed. */
        CLOSED_BY_PEER,
        /** The connection broke. */
        BROKEN,
        /** TLS refused what came. */
        TLS,
        /** No buffer was free. */
        NO_BUFFER,
        /** We are wrong. */
        FAULT
    }

    private final DataLoop loop;
    private final TcpSocket socket;
    private final TlsMaterial material;
    private final SSLEngine engine;
    private final Events events;
    private final ChunkQueue waiting;
    private final Runnable readAgain = this::onReady;
    private @Nullable ByteBuffer partial;
    private boolean secured;
    private boolean closing;
    private boolean closed;

    TlsTransport(DataLoop loop, TcpSocket socket, TlsMaterial material, SSLEngine engine, Events events) {
        this.loop = loop;
        this.socket = socket;
        this.material = material;
        this.engine = engine;
        this.events = events;
        this.waiting = new ChunkQueue(loop.buffers());
    }

    /** Begins the handshake. */
    void start() {
        socket.listener(this);
        try {
            engine.beginHandshake();
            wrapHandshake();
        } catch (SSLException e) {
            fail(Failure.TLS, e);
        }
        onReady();
    }

    SSLEngine engine() {
        return engine;
    }

    /** Whether ciphertext waits for the kernel; {@link Events#onUnblocked} follows. */
    boolean isBlocked() {
        return !waiting.isEmpty();
    }

    boolean isClosed() {
        return closed || closing;
    }

    @Override
    public void onFault(RuntimeException fault) {
        if (!closed) {
            boolean known = closing;
            closeNow();
            if (!known) {
                events.onTransportClosed(Failure.FAULT, fault);
            }
        }
    }

    @Override
    public void onReady() {
        if (!closed && !waiting.isEmpty() && socket.isWritable()) {
            drainWaiting();
        }
        if (closing) {
            discardInput();
            return;
        }
        int reads = 0;
        while (!isClosed() && socket.isReadable()) {
            if (reads++ == READS_PER_TURN_MAX) {
                loop.execute(readAgain);
                return;
            }
            readOnce();
        }
    }

    private void drainWaiting() {
        if (waiting.writeTo(socket) == TcpSocket.BROKEN) {
            fail(Failure.BROKEN, null);
        } else if (waiting.isEmpty()) {
            if (closing) {
                socket.shutdownWrite();
            } else {
                events.onUnblocked();
            }
        }
    }

    private void readOnce() {
        ByteBuffer in = loop.cipherIn();
        takePartial(in);
        int count = socket.read(in);
        in.flip();
        if (count > 0) {
            unwrapAll(in);
        } else if (count == 0) {
            keepPartial(in);
        } else {
            fail(count == TcpSocket.END ? Failure.CLOSED_BY_PEER : Failure.BROKEN, null);
        }
    }

    private void takePartial(ByteBuffer into) {
        ByteBuffer held = partial;
        if (held != null) {
            into.put(held.flip());
            releasePartial();
        }
    }

    private void keepPartial(ByteBuffer rest) {
        if (!rest.hasRemaining() || isClosed()) {
            return;
        }
        // Whoever has proved nothing yet holds no more memory than it sent bytes, and none of what others live on.
        ByteBuffer held = secured ? loop.buffers().borrow() : ByteBuffer.allocate(rest.remaining());
        if (held == null) {
            fail(Failure.NO_BUFFER, null);
            return;
        }
        partial = held.put(rest);
    }

    private void unwrapAll(ByteBuffer in) {
        ByteBuffer plain = loop.plainIn();
        int idle = 0;
        try {
            while (in.hasRemaining() && !isClosed()) {
                if (plain.remaining() < PLAIN_RECORD_BYTES_MAX) {
                    deliver(plain);
                    continue;
                }
                SSLEngineResult result = engine.unwrap(in, plain);
                if (result.getStatus() == SSLEngineResult.Status.BUFFER_UNDERFLOW) {
                    break;
                }
                advanceHandshake(result);
                if (result.getStatus() == SSLEngineResult.Status.CLOSED) {
                    deliver(plain);
                    fail(Failure.CLOSED_BY_PEER, null);
                    return;
                }
                idle = result.bytesConsumed() == 0 && result.bytesProduced() == 0 ? idle + 1 : 0;
                if (idle > 0 && (noProgress(result) || idle == IDLE_UNWRAPS_MAX)) {
                    break;
                }
            }
            deliver(plain);
            keepPartial(in);
        } catch (SSLException e) {
            sayWhy();
            fail(Failure.TLS, e);
        }
    }

    private static boolean noProgress(SSLEngineResult result) {
        return result.getHandshakeStatus() == SSLEngineResult.HandshakeStatus.NEED_UNWRAP;
    }

    private void deliver(ByteBuffer plain) {
        plain.flip();
        if (plain.hasRemaining() && !isClosed()) {
            events.onPlain(plain);
        }
        plain.clear();
    }

    private void advanceHandshake(SSLEngineResult result) throws SSLException {
        SSLEngineResult.HandshakeStatus status = result.getHandshakeStatus();
        if (status == SSLEngineResult.HandshakeStatus.NEED_WRAP) {
            status = wrapHandshake();
        }
        if (!secured && isDone(status)) {
            secured = true;
            events.onSecured();
        }
    }

    private static boolean isDone(SSLEngineResult.HandshakeStatus status) {
        return status == SSLEngineResult.HandshakeStatus.FINISHED
                || status == SSLEngineResult.HandshakeStatus.NOT_HANDSHAKING;
    }

    /** Writes what the handshake wants to say; returns where it stands then. */
    private SSLEngineResult.HandshakeStatus wrapHandshake() throws SSLException {
        SSLEngineResult.HandshakeStatus status = engine.getHandshakeStatus();
        ByteBuffer out = loop.cipherOut();
        while (status == SSLEngineResult.HandshakeStatus.NEED_WRAP) {
            SSLEngineResult result = engine.wrap(NOTHING, out);
            status = result.getHandshakeStatus();
            if (result.getStatus() != SSLEngineResult.Status.OK) {
                push(out);
                if (result.getStatus() == SSLEngineResult.Status.CLOSED) {
                    break;
                }
            }
        }
        push(out);
        return status;
    }

    /** After a refusal: the alert that tells the peer why. */
    private void sayWhy() {
        try {
            wrapHandshake();
        } catch (SSLException e) {
            // The alert could not be made; the connection closes all the same.
            closing = false;
        }
    }

    /** Encrypts and writes all of the buffer; never called while blocked. */
    void write(ByteBuffer plain) {
        ByteBuffer out = loop.cipherOut();
        try {
            while (plain.hasRemaining() && !isClosed()) {
                SSLEngineResult result = engine.wrap(plain, out);
                switch (result.getStatus()) {
                    case OK -> {}
                    case BUFFER_OVERFLOW -> push(out);
                    case BUFFER_UNDERFLOW, CLOSED -> {
                        fail(Failure.CLOSED_BY_PEER, null);
                        return;
                    }
                }
            }
            push(out);
        } catch (SSLException e) {
            fail(Failure.TLS, e);
        }
    }

    private void push(ByteBuffer out) {
        out.flip();
        if (!closed && out.hasRemaining()) {
            if (waiting.isEmpty() && socket.write(out) == TcpSocket.BROKEN) {
                fail(Failure.BROKEN, null);
            } else if (!closed && out.hasRemaining() && !waiting.append(out)) {
                fail(Failure.NO_BUFFER, null);
            }
        }
        out.clear();
    }

    /** Says good-bye, lets the peer read it, then closes. */
    void close() {
        if (isClosed()) {
            return;
        }
        engine.closeOutbound();
        sayWhy();
        if (closed) {
            return;
        }
        closing = true;
        releasePartial();
        if (waiting.isEmpty()) {
            socket.shutdownWrite();
        }
        ScheduledFuture<?> deadline = loop.schedule(this::closeNow, LINGER_NANOS);
        socket.listener(() -> {
            onReady();
            if (closed) {
                deadline.cancel(false);
            }
        });
        discardInput();
    }

    private void discardInput() {
        while (!closed && socket.isReadable()) {
            if (socket.read(loop.relayScratch()) < 0) {
                closeNow();
            }
        }
    }

    /** Closes at once, without a word. */
    void closeNow() {
        if (closed) {
            return;
        }
        closed = true;
        releasePartial();
        waiting.release();
        socket.close();
        material.release(engine);
    }

    private void releasePartial() {
        ByteBuffer held = partial;
        if (held != null) {
            partial = null;
            if (held.isDirect()) {
                loop.buffers().giveBack(held);
            }
        }
    }

    private void fail(Failure failure, @Nullable Throwable cause) {
        if (isClosed()) {
            return;
        }
        if (failure == Failure.TLS) {
            lingerForAlert();
        } else {
            closeNow();
        }
        events.onTransportClosed(failure, cause);
    }

    /** The alert is on its way: closing with unread input would send a reset that overtakes it. */
    private void lingerForAlert() {
        closing = true;
        releasePartial();
        if (waiting.isEmpty()) {
            socket.shutdownWrite();
        }
        loop.after(LINGER_NANOS, this::closeNow);
        discardInput();
    }
}
