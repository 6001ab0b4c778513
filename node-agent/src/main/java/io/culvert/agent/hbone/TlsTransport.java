package io.culvert.agent.hbone;

import io.culvert.agent.base.BufferShare;
import io.culvert.agent.base.BufferWait;
import io.culvert.agent.base.Chunk;
import io.culvert.agent.base.Deadline;
import io.culvert.agent.base.Loop;
import io.culvert.agent.certs.PeerRejectedException;
import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.relay.ChunkQueue;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.relay.Turn;
import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.identity.SpiffeId;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
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
 * <p>Bounds: in, one {@link PartialRecord}, and nothing is read while that could not be kept; out, what one {@link #write}
 * produced, since {@link #isBlocked} forbids the next. {@value #UNPROVEN_LINGERING_MAX} connections whose handshake failed
 * wait for their peers to read why, {@value #PROVEN_LINGERING_MAX} others for theirs to read what was written last; one more
 * closes at once.
 */
public final class TlsTransport implements Transport, RelaySocket.Listener {
    public static final Transport.Factory FACTORY = new Factory();

    private static final System.Logger LOG = System.getLogger(TlsTransport.class.getName());

    private static final ByteBuffer NOTHING = ByteBuffer.allocateDirect(0);
    private static final int READS_PER_TURN_MAX = 4;
    private static final int PLAIN_RECORD_BYTES_MAX = 16_384;
    /** An engine may want to write before it reads on; one that then still takes nothing waits for more. */
    private static final int IDLE_UNWRAPS_MAX = 4;

    /** How long the peer may take to close its side once all that we had to say is with the kernel. */
    private static final long LINGER_NANOS = TimeUnit.SECONDS.toNanos(2);
    /** How long the kernel may take to take it. */
    private static final long DRAIN_NANOS = TimeUnit.SECONDS.toNanos(30);

    /** How many whose handshake failed may wait like that; masses of them would otherwise use up descriptors. */
    private static final int UNPROVEN_LINGERING_MAX = 256;
    /** The same of those that were tunnels. */
    private static final int PROVEN_LINGERING_MAX = 1_024;
    /** How long what came before a connection broke may wait for memory to be read into. */
    private static final long BROKEN_WAIT_NANOS = TimeUnit.SECONDS.toNanos(10);

    /** Transports on BoringSSL, and how many of them linger: those that were never secured, and the others. */
    private static final class Factory implements Transport.Factory {
        private final AtomicInteger unprovenLingering = new AtomicInteger();
        private final AtomicInteger provenLingering = new AtomicInteger();

        @Override
        public Transport server(Loop loop, RelaySocket socket, TlsMaterial material) {
            return new TlsTransport(this, loop, socket, material, material.serverEngine());
        }

        @Override
        public Transport client(Loop loop, RelaySocket socket, TlsMaterial material, List<SpiffeId> expected) {
            return new TlsTransport(this, loop, socket, material, material.clientEngine(expected));
        }
    }

    private final Factory factory;
    private final Loop loop;
    private final RelaySocket socket;
    private final TlsMaterial material;
    private final SSLEngine engine;
    private final BufferShare share;
    private final BufferShare.Lender ownLender;
    private final ChunkQueue waiting;
    private final Turn turn;
    private final BufferWait recordWait;
    private final BufferWait readWait;
    private final PartialRecord partial;
    private @Nullable Events events;
    private final Deadline linger = new Deadline();
    /** Of memory for what the kernel does not take: whoever writes lends it, and what we say ourselves is little. */
    private BufferShare.Lender lending;

    private boolean secured;
    private boolean starving;
    private boolean starved;
    /** It is over for whoever uses it; what is left to say goes out, what comes is dropped. */
    private boolean closing;

    private boolean closed;
    /** The kernel takes no more: what came before that goes on, and nothing is written. */
    private boolean writeBroke;

    private boolean peerEnded;
    private boolean engineReleased;
    private @Nullable AtomicInteger lingerPlace;

    TlsTransport(Loop loop, RelaySocket socket, TlsMaterial material, SSLEngine engine) {
        this(new Factory(), loop, socket, material, engine);
    }

    private TlsTransport(Factory factory, Loop loop, RelaySocket socket, TlsMaterial material, SSLEngine engine) {
        this.factory = factory;
        this.loop = loop;
        this.socket = socket;
        this.material = material;
        this.engine = engine;
        this.share = loop.buffers();
        this.ownLender = share::borrowForTunnel;
        this.lending = ownLender;
        this.waiting = new ChunkQueue(this::lend);
        this.turn = new Turn(loop, this);
        this.recordWait = BufferWait.forTunnel(share, turn);
        this.readWait = BufferWait.forRead(share, turn, this::standingBytes);
        this.partial = new PartialRecord(share);
    }

    @Override
    public void start(Events told) {
        events = told;
        socket.listener(this);
        try {
            engine.beginHandshake();
            wrap(engine.getHandshakeStatus());
        } catch (SSLException e) {
            fail(Failure.TLS, e);
        }
        onReady();
    }

    @Override
    public PeerIdentity peer() {
        return TlsMaterial.peerOf(engine);
    }

    @Override
    public @Nullable PeerRejectedException revoked() {
        return material.revoked(engine);
    }

    @Override
    public boolean isBlocked() {
        return writeBroke || !waiting.isEmpty();
    }

    @Override
    public boolean isClosed() {
        return closed || closing;
    }

    private Events events() {
        Events told = events;
        if (told == null) {
            throw new IllegalStateException("the transport has not been started");
        }
        return told;
    }

    @Override
    public void onFault(RuntimeException fault) {
        boolean known = closing;
        closeNow();
        if (!known) {
            events().onTransportClosed(Failure.FAULT, fault);
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
        try {
            readSome();
        } finally {
            partial.keepNoSpare();
        }
    }

    private void readSome() {
        int reads = 0;
        while (!isClosed() && socket.isReadable()) {
            if (reads++ == READS_PER_TURN_MAX) {
                turn.request();
                return;
            }
            if (!canKeepWhatComes()) {
                starve();
                return;
            }
            if (starving) {
                starving = false;
                linger.cancel();
            }
            readOnce();
        }
        if (writeBroke && !isClosed()) {
            fail(Failure.BROKEN, null);
        }
    }

    private void starve() {
        starving = true;
        starved = true;
        if (socket.errorSeen() && !linger.isSet()) {
            // Its end lies behind bytes for which there may never be room, as long as nobody knows that it has ended.
            linger.start(loop, () -> fail(Failure.BROKEN, null), BROKEN_WAIT_NANOS);
        }
    }

    private long standingBytes() {
        return events().standingBytes();
    }

    /** Whoever has proved nothing yet holds none of the memory that others live on. */
    private boolean canKeepWhatComes() {
        if (!secured) {
            return true;
        }
        if (!socket.isBuffered() && !share.mayRead(standingBytes())) {
            readWait.begin();
            return false;
        }
        if (!partial.makeSure()) {
            recordWait.begin();
            return false;
        }
        return true;
    }

    @Override
    public boolean wasStarved() {
        boolean was = starved;
        starved = starving;
        return was;
    }

    private void drainWaiting() {
        waiting.writeTo(socket);
        if (waiting.isBroken()) {
            writeBroke();
        } else if (waiting.isEmpty()) {
            if (closing) {
                allIsSaid();
            } else {
                events().onUnblocked();
            }
        }
    }

    private void readOnce() {
        ByteBuffer in = loop.cipherIn();
        partial.moveTo(in);
        if (secured && !socket.isBuffered()) {
            in.limit(in.position() + Math.min(in.remaining(), share.readMax()));
        }
        int count = socket.read(in);
        in.flip();
        if (count > 0) {
            unwrapAll(in);
        } else if (count == 0) {
            keepPartial(in);
        } else {
            fail(count == RelaySocket.END ? Failure.CLOSED_BY_PEER : Failure.BROKEN, null);
        }
    }

    private void keepPartial(ByteBuffer rest) {
        if (rest.hasRemaining() && !isClosed() && !partial.keep(rest, secured)) {
            fail(Failure.TLS, new SSLException("a TLS record is longer than a TLS record may be"));
        }
    }

    private void unwrapAll(ByteBuffer in) {
        ByteBuffer plain = loop.plainIn();
        int idle = 0;
        try {
            // The engine tells the end of a handshake one call after the record that ended it.
            while ((in.hasRemaining() || !secured) && !isClosed()) {
                if (plain.remaining() < PLAIN_RECORD_BYTES_MAX) {
                    deliver(plain);
                    continue;
                }
                SSLEngineResult result = engine.unwrap(in, plain);
                advanceHandshake(result);
                if (result.getStatus() == SSLEngineResult.Status.BUFFER_UNDERFLOW) {
                    break;
                }
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
            fail(Failure.TLS, e);
        }
    }

    private static boolean noProgress(SSLEngineResult result) {
        return result.getHandshakeStatus() == SSLEngineResult.HandshakeStatus.NEED_UNWRAP;
    }

    private void deliver(ByteBuffer plain) {
        plain.flip();
        if (plain.hasRemaining() && !isClosed()) {
            events().onPlain(plain);
        }
        plain.clear();
    }

    private void advanceHandshake(SSLEngineResult result) throws SSLException {
        SSLEngineResult.HandshakeStatus status = result.getHandshakeStatus();
        if (status == SSLEngineResult.HandshakeStatus.NEED_WRAP) {
            status = wrap(status);
            if (secured
                    && result.getStatus() == SSLEngineResult.Status.OK
                    && !isClosed()
                    && TlsMaterial.readsNoMore(engine)) {
                // It has said so to the peer, and would tell us with the next record.
                throw new SSLException("a record of the peer cannot be read");
            }
        }
        if (!secured && !isClosed() && status == SSLEngineResult.HandshakeStatus.FINISHED) {
            TlsMaterial.requireHttp2(engine);
            secured = true;
            events().onSecured();
        }
    }

    /** Writes what the engine wants to say; returns where the handshake stands then. */
    private SSLEngineResult.HandshakeStatus wrap(SSLEngineResult.HandshakeStatus from) throws SSLException {
        SSLEngineResult.HandshakeStatus status = from;
        ByteBuffer out = loop.cipherOut();
        try {
            while (status == SSLEngineResult.HandshakeStatus.NEED_WRAP && !closed) {
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
    public void write(ByteBuffer plain, BufferShare.Lender lender) {
        ByteBuffer out = loop.cipherOut();
        lending = lender;
        try {
            while (plain.hasRemaining() && !isClosed() && !writeBroke) {
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
        } finally {
            lending = ownLender;
        }
    }

    private @Nullable Chunk lend(int wanted) {
        return lending.borrow(wanted);
    }

    private void push(ByteBuffer out) {
        out.flip();
        if (!closed && !writeBroke && out.hasRemaining()) {
            if (waiting.isEmpty() && socket.write(out) == RelaySocket.BROKEN) {
                writeBroke();
            } else if (!closed && out.hasRemaining() && !waiting.append(out)) {
                fail(Failure.NO_BUFFER, null);
            }
        }
        out.clear();
    }

    /** What the peer said before is still there to be read: then it is over. */
    private void writeBroke() {
        writeBroke = true;
        waiting.release();
        if (closing) {
            closeNow();
        } else {
            turn.request();
        }
    }

    @Override
    public void close() {
        if (!isClosed()) {
            closing = true;
            engine.closeOutbound();
            // The engine holds its good-bye ready, but once the handshake is over it does not ask to be called for it.
            sayLastWords(SSLEngineResult.HandshakeStatus.NEED_WRAP);
        }
    }

    private void fail(Failure failure, @Nullable Throwable cause) {
        if (isClosed()) {
            // Nobody is to be told any more; but what broke while it lingered is over now.
            if (failure != Failure.TLS) {
                closeNow();
            }
            return;
        }
        closing = true;
        if (failure == Failure.TLS) {
            sayLastWords(engine.getHandshakeStatus());
        } else {
            closeNow();
        }
        events().onTransportClosed(failure, cause);
    }

    /**
     * The good-bye, or the alert that says what is wrong, goes out before the socket closes; and closing with unread input
     * would send a reset that overtakes it.
     */
    private void sayLastWords(SSLEngineResult.HandshakeStatus status) {
        try {
            SSLEngineResult.HandshakeStatus _ = wrap(status);
        } catch (SSLException e) {
            // There are no last words then; what waits goes out all the same.
            LOG.log(System.Logger.Level.DEBUG, "no alert could be made", e);
        }
        if (closed) {
            return;
        }
        if (writeBroke || !takeLingerPlace()) {
            closeNow();
            return;
        }
        partial.release();
        releaseEngine();
        if (waiting.isEmpty()) {
            allIsSaid();
        } else {
            linger.start(loop, this::closeNow, DRAIN_NANOS);
        }
        discardInput();
    }

    private boolean takeLingerPlace() {
        AtomicInteger places = secured ? factory.provenLingering : factory.unprovenLingering;
        if (places.incrementAndGet() > (secured ? PROVEN_LINGERING_MAX : UNPROVEN_LINGERING_MAX)) {
            places.decrementAndGet();
            return false;
        }
        lingerPlace = places;
        return true;
    }

    private void allIsSaid() {
        if (peerEnded) {
            closeNow();
        } else {
            socket.shutdownWrite();
            linger.start(loop, this::closeNow, LINGER_NANOS);
        }
    }

    private void discardInput() {
        for (int reads = 0; !closed && !peerEnded && socket.isReadable(); reads++) {
            if (reads == READS_PER_TURN_MAX) {
                turn.request();
                return;
            }
            int count = socket.read(loop.relayScratch());
            peerEnded = count == RelaySocket.END;
            if (count == RelaySocket.BROKEN || peerEnded && waiting.isEmpty()) {
                closeNow();
            }
        }
    }

    /** Closes at once, without a word. */
    private void closeNow() {
        if (closed) {
            return;
        }
        closing = true;
        closed = true;
        linger.cancel();
        recordWait.end();
        readWait.end();
        AtomicInteger place = lingerPlace;
        if (place != null) {
            place.decrementAndGet();
        }
        partial.release();
        writeBroke |= !waiting.isEmpty();
        waiting.release();
        socket.close();
        releaseEngine();
    }

    private void releaseEngine() {
        if (!engineReleased) {
            engineReleased = true;
            material.release(engine);
        }
    }
}
