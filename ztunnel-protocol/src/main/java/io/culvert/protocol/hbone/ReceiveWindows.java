package io.culvert.protocol.hbone;

import io.culvert.protocol.hbone.frame.FrameHeader;
import io.culvert.protocol.hbone.frame.FrameWriter;
import io.culvert.protocol.hbone.frame.Http2Code;
import io.culvert.protocol.hbone.frame.Http2Exception;
import java.util.function.BooleanSupplier;

/**
 * What the peer may send us, on each stream and over all of them.
 *
 * <p>Every stream starts with the configured window, because there are peers that cut a reply off when their application
 * closes while the end of it waits for credit. A few readers that stand still could use up the connection's window like
 * that, so once three eighths of it stand with applications, or any of it while memory is short, the session becomes
 * frugal: SETTINGS take every stream's window down to 65,535 octets, below nothing for those that stand. From the
 * acknowledgement on a stream that stands cannot send more, so what it holds of the connection's window is lent out again,
 * and others always have some. A reader that keeps up has its window doubled for as long as there is something to spare.
 * When next to nothing has stood for {@link #CALM_NANOS}, and memory is not short, the configured window comes back.
 *
 * <p>A lower window counts from its acknowledgement on, a higher one as soon as it is announced, so nothing that the peer
 * may send is ever held against it.
 *
 * <p>Bounds: applications leave no more standing than the connection's window, plus 65,535 octets for each stream that may
 * be open, plus a quarter of the connection's window for what windows grow by; with the defaults of a server that is
 * 16 MiB + 12.5 MiB + 4 MiB. A peer that never acknowledges gets no more than the connection's window. WINDOW_UPDATEs are
 * gathered until half a window is due, or as much as the peer has left. At most one change of SETTINGS is on its way, and
 * two come about per {@link #CALM_NANOS}. A stream window of 65,535 or less is never lowered, and nothing is lent out then.
 *
 * <p>Source: RFC 9113, sections 5.2, 6.9 and 6.9.2.
 */
final class ReceiveWindows {
    /** How long it has to be calm before windows are wide again. */
    static final long CALM_NANOS = 5_000_000_000L;

    private static final int DEFAULT = FlowControl.WINDOW_BYTES_DEFAULT;
    /** Less than this is not worth a WINDOW_UPDATE of its own. */
    private static final int GROWTH_BYTES_MIN = 16_384;

    private final FrameWriter writer;
    private final StreamTable streams;
    private final BooleanSupplier shortOfMemory;
    private final int streamWindow;
    private final int connectionWindow;
    /** More than this stands when windows are to be lowered: by default more than one reader that stopped leaves there. */
    private final int threshold;

    private final long lentMax;

    /** What every stream's window is built on: as last announced, and as the peer is held to. */
    private int announced;

    private int enforced;
    private boolean unacknowledged = true;
    /** What stream windows may still grow by. */
    private int spare;

    private int receiveWindow;
    private int toReturn;
    /** Octets that applications have not taken. */
    private long standing;
    /** Of how many streams those are. */
    private int standingStreams;
    /** Connection credit that was returned for octets which stand still. */
    private long lent;
    /** What the peer may have sent on streams that we reset before it knew. */
    private long late;

    private long nowNanos;
    private long calmSinceNanos;

    /** @param shortOfMemory whether windows should be narrow although little stands on this connection */
    ReceiveWindows(FrameWriter writer, StreamTable streams, HboneSettings local, BooleanSupplier shortOfMemory) {
        this.shortOfMemory = shortOfMemory;
        this.writer = writer;
        this.streams = streams;
        this.streamWindow = local.streamWindowBytes();
        this.connectionWindow = local.connectionWindowBytes();
        this.threshold = (connectionWindow >>> 2) + (connectionWindow >>> 3);
        this.spare = connectionWindow >>> 2;
        this.lentMax = (long) local.streamsMax() * DEFAULT + spare;
        this.announced = streamWindow;
        // Until it has read our SETTINGS a peer counts on the default.
        this.enforced = Math.max(DEFAULT, streamWindow);
        this.receiveWindow = connectionWindow;
    }

    /** What a stream that opens now may be sent at first. */
    int initialWindow() {
        return enforced;
    }

    /** What the peer may send, or may once gathered credit is announced. */
    int receiveCredit() {
        return receiveWindow + toReturn;
    }

    /** Octets that applications have not taken. */
    long standing() {
        return standing;
    }

    /** Streams whose applications have not taken everything. */
    int standingStreams() {
        return standingStreams;
    }

    /** Takes note of the time, before what the peer sent is looked at. */
    void tick(long now) {
        nowNanos = now;
    }

    /** Widens the windows once it has been calm for long enough; after what the peer sent was looked at. */
    void settle() {
        if (standing > connectionWindow >>> 4 || announced < streamWindow && shortOfMemory.getAsBoolean()) {
            calmSinceNanos = nowNanos;
        } else if (announced < streamWindow && !unacknowledged && nowNanos - calmSinceNanos >= CALM_NANOS) {
            announce(streamWindow);
            enforce(streamWindow);
        }
    }

    /** The peer acknowledged SETTINGS; false when none were due. */
    boolean acknowledged() {
        if (!unacknowledged) {
            return false;
        }
        unacknowledged = false;
        enforce(announced);
        rebalance();
        return true;
    }

    /** Takes a DATA frame's cost from what the peer may send. */
    void received(int flowBytes) throws Http2Exception {
        if (flowBytes > receiveWindow) {
            throw new Http2Exception(Http2Code.FLOW_CONTROL_ERROR, "DATA past the connection's window");
        }
        receiveWindow -= flowBytes;
    }

    /** The same for a stream; false when it has no such credit. */
    boolean received(HboneStream s, int flowBytes) {
        if (flowBytes > 0 && flowBytes > s.receiveWindow) {
            return false;
        }
        s.receiveWindow -= flowBytes;
        return true;
    }

    /** Payload is about to be handed to the application. */
    void delivered(HboneStream s, int bytes) {
        if (s.outstanding == 0 && bytes > 0) {
            standingStreams++;
        }
        s.outstanding += bytes;
        standing += bytes;
    }

    /** Looks whether too much stands, after the application has had the chance to take what was delivered. */
    void rebalance() {
        boolean lowerable = announced == streamWindow && streamWindow > DEFAULT;
        if (lowerable && !unacknowledged && isTooMuch()) {
            calmSinceNanos = nowNanos;
            announce(DEFAULT);
        }
        long more = Math.min(lentMax, shortfall()) - lent;
        if (more > 0) {
            lent += more;
            toReturn += (int) more;
        }
        update();
    }

    private boolean isTooMuch() {
        return standing > threshold || standing > 0 && shortOfMemory.getAsBoolean();
    }

    /** Returns connection credit for octets that nobody will consume. */
    void discarded(int bytes) {
        toReturn += bytes;
        update();
    }

    /** Announces connection credit once there is enough, or the peer has no more than that left. */
    private void update() {
        // When readers stand still the peer has little left, and others wait for what is gathered here.
        if (toReturn > 0 && toReturn >= Math.min(connectionWindow >>> 1, receiveWindow)) {
            writer.windowUpdate(0, toReturn);
            receiveWindow += toReturn;
            toReturn = 0;
        }
    }

    /** Returns stream and connection credit for padding. */
    void padding(HboneStream s, int bytes) {
        discarded(bytes);
        returnCredit(s, bytes);
    }

    /** Returns stream and connection credit for what the application took. */
    void consumed(HboneStream s, int bytes) {
        taken(s, bytes);
        returnCredit(s, bytes);
        if (enforced < streamWindow) {
            s.sinceGrowth += bytes;
            if (s.sinceGrowth >= window(s)) {
                grow(s);
            }
        }
    }

    /** Returns the connection credit of all that the application will not take. */
    void release(HboneStream s) {
        taken(s, s.outstanding);
    }

    private void taken(HboneStream s, int bytes) {
        if (bytes > 0 && s.outstanding == bytes) {
            standingStreams--;
        }
        s.outstanding -= bytes;
        freed(bytes);
    }

    /** Lets others have what the window of a closed stream had grown by. */
    void closed(HboneStream s) {
        spare += s.grown;
        s.grown = 0;
    }

    /** We reset a stream: what it had credit for may be on its way. */
    void expectLate(int credit) {
        late += Math.max(0, credit);
    }

    /** Says whether so much may have been on its way, which is counted once. */
    boolean isLate(int flowBytes) {
        boolean expected = flowBytes <= late;
        if (expected) {
            late -= flowBytes;
        }
        return expected;
    }

    private void announce(int window) {
        announced = window;
        unacknowledged = true;
        writer.settings(FrameHeader.SETTING_INITIAL_WINDOW_SIZE, window);
    }

    private void enforce(int window) {
        int more = window - enforced;
        enforced = window;
        if (more == 0) {
            return;
        }
        for (HboneStream s : streams.snapshot()) {
            s.receiveWindow += more;
            s.sinceGrowth = 0;
            // What a window has grown by counts while we are frugal; in a wide window it is withheld again.
            s.shrinking = more > 0 ? s.grown : 0;
            update(s);
        }
    }

    /** How much connection credit is lacking because of what stands still; 0 as long as streams may still send. */
    private long shortfall() {
        int reserve = connectionWindow >>> 2;
        return enforced < streamWindow ? Math.max(0, standing + reserve - connectionWindow) : 0;
    }

    private void freed(int bytes) {
        standing -= bytes;
        long repaid = Math.clamp(lent - shortfall(), 0, bytes);
        lent -= repaid;
        discarded((int) (bytes - repaid));
    }

    private int window(HboneStream s) {
        return enforced + s.grown - s.shrinking;
    }

    /** Doubles the window of a stream whose reader has just taken all of it, if it keeps up and there is enough to spare. */
    private void grow(HboneStream s) {
        s.sinceGrowth = 0;
        int window = window(s);
        int more = Math.min(Math.min(window, streamWindow - window), spare >>> 1);
        // Going back to the wide window must not carry it past what a window may be.
        more = Math.min(more, Integer.MAX_VALUE - streamWindow - s.grown);
        boolean keepsUp = s.outstanding <= window >>> 2;
        if (keepsUp && more >= GROWTH_BYTES_MIN && !s.remoteEnded && !s.closed) {
            spare -= more;
            s.grown += more;
            s.receiveWindow += more;
            writer.windowUpdate(s.id(), more);
        }
    }

    private void returnCredit(HboneStream s, int bytes) {
        if (s.remoteEnded || s.closed) {
            return;
        }
        int withheld = Math.min(bytes, s.shrinking);
        s.shrinking -= withheld;
        s.grown -= withheld;
        spare += withheld;
        s.toReturn += bytes - withheld;
        update(s);
    }

    /** Announces a stream's credit once half its window is due, and the peer has something of it. */
    private void update(HboneStream s) {
        int half = window(s) + 1 >>> 1;
        if (s.toReturn >= half && s.receiveWindow + s.toReturn >= half && !s.remoteEnded && !s.closed) {
            writer.windowUpdate(s.id(), s.toReturn);
            s.receiveWindow += s.toReturn;
            s.toReturn = 0;
        }
    }
}
