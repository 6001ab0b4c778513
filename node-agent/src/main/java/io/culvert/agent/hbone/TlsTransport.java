package io.culvert.agent.hbone;

import io.culvert.agent.base.BufferShare;
import io.culvert.agent.base.BufferWait;
import io.culvert.agent.base.Chunk;
import io.culvert.agent.base.Deadline;
import io.culvert.agent.base.Loop;
import io.culvert.agent.base.Pipe;
import io.culvert.agent.certs.PeerRejectedException;
import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.relay.ChunkQueue;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.relay.TlsSocket;
import io.culvert.agent.relay.Turn;
import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.shim.ShimException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLEngine;
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
public final class TlsTransport implements Transport, RelaySocket.Listener, RecordLayer.Owner {
    /** Transports whose records the kernel makes and reads where its support was found, and the library otherwise. */
    public static final Transport.Factory FACTORY = new Factory(KernelKeys.AGREED);

    private static final System.Logger LOG = System.getLogger(TlsTransport.class.getName());

    private static final int READS_PER_TURN_MAX = 16;
    /** How much one tunnel may bring before others get their turn. */
    private static final int TURN_BYTES_MAX = 4 * Loop.READ_BYTES_MAX;

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

    /** How long between looks whether the kernel's TLS has sent all that it was given. */
    private static final long FLUSH_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    /** Whence the kernel gets a connection's keys. */
    interface KeySource {
        /** Whether there is any chance that it has them. */
        boolean isThere(TlsMaterial material);

        /** The keys of a connection whose handshake is done; null when the kernel cannot have them. To be asked once. */
        @Nullable
        KernelKeys keysOf(TlsMaterial material, SSLEngine engine, boolean client);
    }

    /** Transports on BoringSSL, and how many of them linger: those that were never secured, and the others. */
    private static final class Factory implements Transport.Factory {
        private final KeySource kernel;
        private final AtomicInteger unprovenLingering = new AtomicInteger();
        private final AtomicInteger provenLingering = new AtomicInteger();

        private Factory(KeySource kernel) {
            this.kernel = kernel;
        }

        @Override
        public Transport server(Loop loop, RelaySocket socket, TlsMaterial material) {
            return new TlsTransport(this, loop, socket, material, material.serverEngine(), false);
        }

        @Override
        public Transport client(Loop loop, RelaySocket socket, TlsMaterial material, List<SpiffeId> expected) {
            return new TlsTransport(this, loop, socket, material, material.clientEngine(expected), true);
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
    private final BufferWait readWait;
    private final LibraryRecords library;
    private @Nullable Events events;
    private final Deadline linger = new Deadline();
    private final Deadline flush = new Deadline();
    /** Who makes and reads records now. */
    private RecordLayer records;

    private @Nullable HandOver handOver;
    /** What goes out behind what waits in buffers, and then the record behind it. */
    private @Nullable Pipe waitingPipe;

    private byte @Nullable [] waitingControl;
    private int waitingControlType;
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

    TlsTransport(
            Loop loop, RelaySocket socket, TlsMaterial material, SSLEngine engine, KeySource kernel, boolean client) {
        this(new Factory(kernel), loop, socket, material, engine, client);
    }

    private TlsTransport(
            Factory factory, Loop loop, RelaySocket socket, TlsMaterial material, SSLEngine engine, boolean client) {
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
        this.readWait = BufferWait.forRead(share, turn, this::standingBytes);
        this.library = new LibraryRecords(loop, socket, engine, this, turn);
        this.records = library;
        if (factory.kernel.isThere(material) && socket instanceof TlsSocket kernels) {
            handOver = new HandOver(kernels, library, () -> factory.kernel.keysOf(material, engine, client));
        }
    }

    @Override
    public void start(Events told) {
        events = told;
        socket.listener(this);
        try {
            library.begin();
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
        return writeBroke || isWaiting();
    }

    private boolean isWaiting() {
        return !waiting.isEmpty() || waitingPipe != null || waitingControl != null;
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
        if (!closed && isWaiting() && socket.isWritable()) {
            drainWaiting();
        }
        if (closing) {
            discardInput();
            return;
        }
        try {
            readSome();
        } finally {
            records.afterReading();
        }
    }

    private void readSome() {
        int reads = 0;
        int moved = 0;
        while (!isClosed() && socket.isReadable()) {
            if (reads++ == READS_PER_TURN_MAX || moved >= TURN_BYTES_MAX) {
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
            moved += records.read();
            handOverIfDue();
        }
        if (writeBroke && !isClosed()) {
            fail(Failure.BROKEN, null);
        }
    }

    private void handOverIfDue() {
        HandOver wanted = handOver;
        if (wanted == null || !secured || isClosed() || writeBroke) {
            return;
        }
        HandOver.Outcome outcome = wanted.attempt(isWaiting());
        if (outcome == HandOver.Outcome.NOT_YET) {
            return;
        }
        handOver = null;
        if (outcome == HandOver.Outcome.DONE) {
            records = wanted.records(loop, this);
        } else if (outcome == HandOver.Outcome.BROKEN) {
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

    private boolean canKeepWhatComes() {
        if (secured && !socket.isBuffered() && !share.mayRead(standingBytes())) {
            readWait.begin();
            return false;
        }
        return records.canKeepWhatComes();
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
        } else if (waiting.isEmpty() && drainPipe() && drainControl()) {
            if (closing) {
                allIsSaid();
            } else {
                handOverIfDue();
                events().onUnblocked();
            }
        }
    }

    /** False while some of it is left, or when the socket broke. */
    private boolean drainPipe() {
        Pipe left = waitingPipe;
        if (left == null) {
            return true;
        }
        if (socket.write(left) == RelaySocket.BROKEN) {
            writeBroke();
            return false;
        }
        if (left.bytes() > 0) {
            return false;
        }
        waitingPipe = null;
        left.giveBack();
        return true;
    }

    private boolean drainControl() {
        byte[] octets = waitingControl;
        if (octets == null) {
            return true;
        }
        int sent = socket instanceof TlsSocket kernels
                ? kernels.writeControl(waitingControlType, octets)
                : RelaySocket.BROKEN;
        if (sent == 0) {
            return false;
        }
        waitingControl = null;
        try {
            if (sent > 0 && records instanceof KernelRecords told) {
                told.controlSent(waitingControlType);
                return true;
            }
        } catch (ShimException e) {
            LOG.log(System.Logger.Level.DEBUG, "the kernel did not take other keys", e);
        }
        writeBroke();
        return false;
    }

    @Override
    public void onSecured() {
        secured = true;
        events().onSecured();
    }

    @Override
    public boolean isSecured() {
        return secured;
    }

    @Override
    public void deliver(ByteBuffer plain) {
        plain.flip();
        if (plain.hasRemaining() && !isClosed()) {
            events().onPlain(plain);
        }
        plain.clear();
    }

    @Override
    public int payloadLeft() {
        return events().payloadLeft();
    }

    @Override
    public int onPayload(RelaySocket from, int most) {
        return events().onPayload(from, most);
    }

    @Override
    public int untilHeader() {
        return events().untilHeader();
    }

    @Override
    public void write(ByteBuffer plain, BufferShare.Lender lender) {
        if (isClosed() || writeBroke) {
            return;
        }
        lending = lender;
        try {
            records.write(plain);
        } catch (SSLException e) {
            fail(Failure.TLS, e);
        } finally {
            lending = ownLender;
        }
    }

    @Override
    public boolean splices() {
        return !isClosed() && records.splices();
    }

    @Override
    public void write(ByteBuffer plain, Pipe payload, BufferShare.Lender lender) {
        waitingPipe = payload;
        if (isClosed() || writeBroke) {
            dropPipe();
            return;
        }
        lending = lender;
        try {
            pushAhead(plain);
        } finally {
            lending = ownLender;
        }
        if (waiting.isEmpty() && !closed && !writeBroke) {
            boolean _ = drainPipe();
        }
    }

    /** In the same record as what follows by the pipe, where it is short enough for that. */
    private void pushAhead(ByteBuffer plain) {
        int together = Math.min(plain.remaining(), TlsSocket.AHEAD_BYTES_MAX);
        int end = plain.limit();
        push(plain.limit(end - together));
        plain.limit(end);
        if (waiting.isEmpty() && !closed && !writeBroke && socket instanceof TlsSocket kernels) {
            if (kernels.writeAhead(plain) == RelaySocket.BROKEN) {
                writeBroke();
            }
        }
        if (plain.hasRemaining() && !writeBroke) {
            push(plain);
        }
    }

    private void dropPipe() {
        Pipe left = waitingPipe;
        if (left != null) {
            waitingPipe = null;
            left.giveBack();
        }
    }

    private @Nullable Chunk lend(int wanted) {
        return lending.borrow(wanted);
    }

    @Override
    public void push(ByteBuffer out) {
        if (!closed && !writeBroke && out.hasRemaining()) {
            if (waiting.isEmpty() && socket.write(out) == RelaySocket.BROKEN) {
                writeBroke();
            } else if (!closed && out.hasRemaining() && !waiting.append(out)) {
                fail(Failure.NO_BUFFER, null);
            }
        }
    }

    @Override
    public void pushControl(int type, byte[] octets) {
        if (closed || writeBroke) {
            return;
        }
        // Of two that wait only the last one counts: we have no more than one to say at a time but when it ends.
        waitingControl = octets;
        waitingControlType = type;
        if (waiting.isEmpty() && waitingPipe == null) {
            boolean _ = drainControl();
        }
    }

    /** What the peer said before is still there to be read: then it is over. */
    private void writeBroke() {
        writeBroke = true;
        waiting.release();
        waitingControl = null;
        dropPipe();
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
            sayLastWord(RecordLayer.LastWord.GOOD_BYE);
        }
    }

    @Override
    public void fail(Failure failure, @Nullable Throwable cause) {
        if (isClosed()) {
            // Nobody is to be told any more; but what broke while it lingered is over now.
            if (failure != Failure.TLS) {
                closeNow();
            }
            return;
        }
        closing = true;
        if (failure == Failure.TLS) {
            sayLastWord(RecordLayer.LastWord.ALERT);
        } else {
            closeNow();
        }
        events().onTransportClosed(failure, cause);
    }

    /**
     * The good-bye, or the alert that says what is wrong, goes out before the socket closes; and closing with unread input
     * would send a reset that overtakes it.
     */
    private void sayLastWord(RecordLayer.LastWord word) {
        try {
            records.sayLastWord(word);
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
        records.release();
        releaseEngine();
        linger.start(loop, this::closeNow, DRAIN_NANOS);
        if (!isWaiting()) {
            allIsSaid();
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
        if (!records.isFlushed()) {
            flush.start(loop, this::allIsSaid, FLUSH_PAUSE_NANOS);
        } else if (peerEnded) {
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
            int count = records.discard();
            peerEnded = count == RelaySocket.END;
            if (count == RelaySocket.BROKEN) {
                closeNow();
            } else if (peerEnded && !isWaiting()) {
                allIsSaid();
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
        flush.cancel();
        readWait.end();
        AtomicInteger place = lingerPlace;
        if (place != null) {
            place.decrementAndGet();
        }
        records.release();
        writeBroke |= isWaiting();
        waiting.release();
        waitingControl = null;
        dropPipe();
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
