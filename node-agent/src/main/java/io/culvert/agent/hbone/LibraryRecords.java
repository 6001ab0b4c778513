package io.culvert.agent.hbone;

import io.culvert.agent.base.BufferWait;
import io.culvert.agent.base.Loop;
import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.relay.Turn;
import java.nio.ByteBuffer;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLException;

/**
 * Records made and read by the TLS library, and the handshake, which is always its.
 *
 * <p>Runs on: its transport's loop. Owns: a partly received record. Bounds: that one, {@link PartialRecord}.
 */
final class LibraryRecords implements RecordLayer {
    private static final ByteBuffer NOTHING = ByteBuffer.allocateDirect(0);
    private static final int PLAIN_RECORD_BYTES_MAX = 16_384;
    /** An engine may want to write before it reads on; one that then still takes nothing waits for more. */
    private static final int IDLE_UNWRAPS_MAX = 4;

    private final Loop loop;
    private final RelaySocket socket;
    private final SSLEngine engine;
    private final Owner owner;
    private final BufferWait recordWait;
    private final PartialRecord partial;
    /** Reads no more than the record that has begun, since what follows may be for somebody else to read. */
    private boolean recordByRecord;

    /** The last call was given nothing, to learn whether the handshake is over before it is given the record behind it. */
    private boolean asked;

    private boolean tookSome;
    private boolean silentRecord;
    private boolean released;
    private long recordsRead;
    private long recordsWritten;

    LibraryRecords(Loop loop, RelaySocket socket, SSLEngine engine, Owner owner, Turn turn) {
        this.loop = loop;
        this.socket = socket;
        this.engine = engine;
        this.owner = owner;
        this.recordWait = BufferWait.forTunnel(loop.buffers(), turn);
        this.partial = new PartialRecord(loop.buffers());
    }

    /** Begins the handshake. */
    void begin() throws SSLException {
        engine.beginHandshake();
        wrap(engine.getHandshakeStatus());
    }

    /** Whether from now on it stops behind each record, and counts them. */
    void recordByRecord(boolean wanted) {
        recordByRecord = wanted;
    }

    /** Whether what was read ended with a record. */
    boolean isBetweenRecords() {
        return partial.isEmpty();
    }

    /** How many records came since the handshake. */
    long recordsRead() {
        return recordsRead;
    }

    /** How many records were made since the handshake. */
    long recordsWritten() {
        return recordsWritten;
    }

    /** Whether one of them had nothing to say to us, so that it may have been the library that it spoke to. */
    boolean sawSilentRecord() {
        return silentRecord;
    }

    /** Whoever has proved nothing yet holds none of the memory that others live on. */
    @Override
    public boolean canKeepWhatComes() {
        if (owner.isSecured() && !partial.makeSure()) {
            recordWait.begin();
            return false;
        }
        return true;
    }

    @Override
    public int read() {
        ByteBuffer in = loop.cipherIn();
        int most = recordByRecord && owner.isSecured() ? partial.missing() : in.remaining();
        partial.moveTo(in);
        if (owner.isSecured() && !socket.isBuffered()) {
            most = Math.min(most, loop.buffers().readMax());
        }
        in.limit(in.position() + Math.min(in.remaining(), most));
        int count = socket.read(in);
        in.flip();
        if (count > 0) {
            unwrapAll(in);
        } else if (count == 0) {
            keepPartial(in);
        } else {
            owner.fail(count == RelaySocket.END ? Transport.Failure.CLOSED_BY_PEER : Transport.Failure.BROKEN, null);
        }
        return Math.max(0, count);
    }

    @Override
    public void afterReading() {
        partial.keepNoSpare();
    }

    private void keepPartial(ByteBuffer rest) {
        if (rest.hasRemaining() && !owner.isClosed() && !partial.keep(rest, owner.isSecured())) {
            owner.fail(Transport.Failure.TLS, new SSLException("a TLS record is longer than a TLS record may be"));
        }
    }

    private void unwrapAll(ByteBuffer in) {
        ByteBuffer plain = loop.plainIn();
        int idle = 0;
        try {
            // The engine tells the end of a handshake one call after the record that ended it.
            while ((in.hasRemaining() || !owner.isSecured()) && !owner.isClosed()) {
                if (plain.remaining() < PLAIN_RECORD_BYTES_MAX) {
                    owner.deliver(plain);
                    continue;
                }
                SSLEngineResult result = recordByRecord ? unwrapOne(in, plain) : engine.unwrap(in, plain);
                advanceHandshake(result);
                if (result.getStatus() == SSLEngineResult.Status.CLOSED) {
                    owner.deliver(plain);
                    owner.fail(Transport.Failure.CLOSED_BY_PEER, null);
                    return;
                }
                if (asked && in.hasRemaining()) {
                    continue;
                }
                if (result.getStatus() == SSLEngineResult.Status.BUFFER_UNDERFLOW) {
                    break;
                }
                idle = result.bytesConsumed() == 0 && result.bytesProduced() == 0 ? idle + 1 : 0;
                if (idle > 0 && (noProgress(result) || idle == IDLE_UNWRAPS_MAX)) {
                    break;
                }
            }
            owner.deliver(plain);
            keepPartial(in);
        } catch (SSLException e) {
            owner.fail(Transport.Failure.TLS, e);
        }
    }

    private SSLEngineResult unwrapOne(ByteBuffer in, ByteBuffer plain) throws SSLException {
        boolean wasSecured = owner.isSecured();
        asked = tookSome && !wasSecured;
        int end = in.limit();
        SSLEngineResult result = engine.unwrap(in.limit(asked ? in.position() : PartialRecord.endOfRecord(in)), plain);
        in.limit(end);
        tookSome = result.bytesConsumed() > 0;
        if (wasSecured && tookSome) {
            recordsRead++;
            silentRecord |= result.bytesProduced() == 0;
        }
        return result;
    }

    private static boolean noProgress(SSLEngineResult result) {
        return result.getHandshakeStatus() == SSLEngineResult.HandshakeStatus.NEED_UNWRAP;
    }

    private void advanceHandshake(SSLEngineResult result) throws SSLException {
        SSLEngineResult.HandshakeStatus status = result.getHandshakeStatus();
        if (status == SSLEngineResult.HandshakeStatus.NEED_WRAP) {
            status = wrap(status);
            if (owner.isSecured()
                    && result.getStatus() == SSLEngineResult.Status.OK
                    && !owner.isClosed()
                    && TlsMaterial.readsNoMore(engine)) {
                // It has said so to the peer, and would tell us with the next record.
                throw new SSLException("a record of the peer cannot be read");
            }
        }
        if (!owner.isSecured() && !owner.isClosed() && status == SSLEngineResult.HandshakeStatus.FINISHED) {
            TlsMaterial.requireHttp2(engine);
            owner.onSecured();
        }
    }

    /** Pushes what the engine wants to say; returns where the handshake stands then. */
    private SSLEngineResult.HandshakeStatus wrap(SSLEngineResult.HandshakeStatus from) throws SSLException {
        SSLEngineResult.HandshakeStatus status = from;
        ByteBuffer out = loop.cipherOut();
        try {
            while (status == SSLEngineResult.HandshakeStatus.NEED_WRAP && !released) {
                SSLEngineResult result = engine.wrap(NOTHING, out);
                status = result.getHandshakeStatus();
                if (result.getStatus() != SSLEngineResult.Status.OK) {
                    push(out);
                    if (result.getStatus() == SSLEngineResult.Status.CLOSED) {
                        break;
                    }
                }
            }
        } finally {
            // Also when the engine throws: it does so after it has written the alert that says why.
            push(out);
        }
        return status;
    }

    @Override
    public void write(ByteBuffer plain) throws SSLException {
        ByteBuffer out = loop.cipherOut();
        while (plain.hasRemaining() && !owner.isClosed()) {
            SSLEngineResult result = engine.wrap(plain, out);
            recordsWritten += result.bytesProduced() > 0 ? 1 : 0;
            switch (result.getStatus()) {
                case OK -> {}
                case BUFFER_OVERFLOW -> push(out);
                case BUFFER_UNDERFLOW, CLOSED -> {
                    owner.fail(Transport.Failure.CLOSED_BY_PEER, null);
                    return;
                }
            }
        }
        push(out);
    }

    private void push(ByteBuffer out) {
        owner.push(out.flip());
        out.clear();
    }

    @Override
    public void sayLastWord(LastWord word) throws SSLException {
        SSLEngineResult.HandshakeStatus status = engine.getHandshakeStatus();
        if (word == LastWord.GOOD_BYE) {
            engine.closeOutbound();
            // The engine holds its good-bye ready, but once the handshake is over it does not ask to be called for it.
            status = SSLEngineResult.HandshakeStatus.NEED_WRAP;
        }
        SSLEngineResult.HandshakeStatus _ = wrap(status);
    }

    @Override
    public int discard() {
        return socket.read(loop.relayScratch());
    }

    @Override
    public boolean isFlushed() {
        return true;
    }

    @Override
    public boolean splices() {
        return false;
    }

    @Override
    public void release() {
        released = true;
        recordWait.end();
        partial.release();
    }
}
