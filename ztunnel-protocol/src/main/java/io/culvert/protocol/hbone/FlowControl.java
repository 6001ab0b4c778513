package io.culvert.protocol.hbone;

import io.culvert.protocol.hbone.frame.AbuseKind;
import io.culvert.protocol.hbone.frame.FrameWriter;
import io.culvert.protocol.hbone.frame.Http2Code;
import io.culvert.protocol.hbone.frame.Http2Exception;
import org.jspecify.annotations.Nullable;

/**
 * The windows of one connection and its streams, both ways, and the turn of streams that wait for credit.
 *
 * <p>A stream starts with a small window, which grows while its reader keeps up. What windows grow by comes out of half of
 * the connection's window, so that together with the first windows of a hundred streams it is within that: readers that
 * stand still cannot use up what others on the connection need.
 *
 * <p>Bounds: what a peer may have in flight to us by the windows that we announced; WINDOW_UPDATEs are gathered until
 * half a window is due, or as much as the peer has left. Source: RFC 9113, sections 5.2 and 6.9.
 */
final class FlowControl {
    static final int WINDOW_BYTES_DEFAULT = 65_535;
    /** Less than this is not worth a WINDOW_UPDATE of its own. */
    private static final int GROWTH_BYTES_MIN = 16_384;

    private final FrameWriter writer;
    private final AbuseGuard guard;

    private int sendWindow = WINDOW_BYTES_DEFAULT;
    private int receiveWindow;
    private int receiveWindowMax;
    private int toReturn;
    private final int streamWindowMax;
    /** What stream windows may still grow by. */
    private int spare;

    private @Nullable HboneStream firstWaiting;
    private @Nullable HboneStream lastWaiting;
    private int waitingCount;

    FlowControl(FrameWriter writer, AbuseGuard guard, int connectionWindow, int streamWindowMax) {
        this.writer = writer;
        this.guard = guard;
        this.streamWindowMax = streamWindowMax;
        this.spare = connectionWindow >>> 1;
        this.receiveWindow = connectionWindow;
        this.receiveWindowMax = connectionWindow;
    }

    /** What one stream may send us at first. */
    static int firstWindow(HboneSettings local) {
        return Math.min(WINDOW_BYTES_DEFAULT, local.streamWindowBytes());
    }

    int sendWindow() {
        return sendWindow;
    }

    /** What the peer may send, or may once gathered credit is announced. */
    int receiveCredit() {
        return receiveWindow + toReturn;
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
        if (flowBytes > s.receiveWindow) {
            return false;
        }
        s.receiveWindow -= flowBytes;
        return true;
    }

    /** Returns connection credit for octets that nobody will consume. */
    void discarded(int bytes) {
        toReturn += bytes;
        // When readers stand still the peer has little left, and others wait for what is gathered here.
        if (toReturn > 0 && toReturn >= Math.min(receiveWindowMax >>> 1, receiveWindow)) {
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
        s.outstanding -= bytes;
        discarded(bytes);
        returnCredit(s, bytes);
        s.sinceGrowth += bytes;
        if (s.sinceGrowth >= s.receiveWindowMax && s.receiveWindowMax < streamWindowMax) {
            grow(s);
        }
    }

    /** Doubles the window of a stream whose reader has just taken all of it, if it keeps up and there is enough to spare. */
    private void grow(HboneStream s) {
        s.sinceGrowth = 0;
        int more = Math.min(Math.min(s.receiveWindowMax, streamWindowMax - s.receiveWindowMax), spare >>> 1);
        boolean keepsUp = s.outstanding <= s.receiveWindowMax >>> 2;
        if (keepsUp && more >= GROWTH_BYTES_MIN && !s.remoteEnded && !s.closed) {
            spare -= more;
            s.grown += more;
            raise(s, s.receiveWindowMax + more);
        }
    }

    /** Returns the connection credit of all that the application will not take. */
    void release(HboneStream s) {
        int bytes = s.outstanding;
        s.outstanding = 0;
        discarded(bytes);
    }

    void raise(HboneStream s, int windowBytes) {
        int more = windowBytes - s.receiveWindowMax;
        if (more > 0 && !s.remoteEnded && !s.closed) {
            s.receiveWindowMax = windowBytes;
            s.receiveWindow += more;
            writer.windowUpdate(s.id(), more);
        }
    }

    void raise(int windowBytes) {
        int more = windowBytes - receiveWindowMax;
        if (more > 0) {
            receiveWindowMax = windowBytes;
            receiveWindow += more;
            writer.windowUpdate(0, more);
        }
    }

    /** Returns what may be sent now; 0 puts the stream among those that wait. */
    int sendable(HboneStream s, int frameBytesMax) {
        int bytes = Math.min(Math.min(s.sendWindow, sendWindow), frameBytesMax);
        if (bytes > 0) {
            return bytes;
        }
        s.waiting = true;
        if (s.sendWindow > 0) {
            enqueue(s);
        }
        return 0;
    }

    void sent(HboneStream s, int bytes) {
        s.sendWindow -= bytes;
        sendWindow -= bytes;
        // A peer may return credit in pieces; a few hundred octets each is the least that is still work.
        guard.earn(AbuseKind.WINDOW_UPDATE, 4 + (bytes >>> 9));
    }

    /** Adds connection credit. */
    void credited(int increment) throws Http2Exception {
        if (increment > Integer.MAX_VALUE - sendWindow) {
            throw new Http2Exception(Http2Code.FLOW_CONTROL_ERROR, "the connection's window overflows");
        }
        sendWindow += increment;
    }

    /** Adds stream credit, also negative by SETTINGS; false when the window overflows. */
    boolean credited(HboneStream s, int increment) {
        if ((long) s.sendWindow + increment > Integer.MAX_VALUE) {
            return false;
        }
        s.sendWindow += increment;
        if (s.waiting && s.sendWindow > 0) {
            enqueue(s);
        }
        return true;
    }

    /** Tells waiting streams, each once and in turn, as long as there is connection credit. */
    void dispatch(HboneListener listener) {
        for (int turns = waitingCount; turns > 0 && sendWindow > 0; turns--) {
            HboneStream s = firstWaiting;
            if (s == null) {
                return;
            }
            dequeue(s);
            if (s.sendWindow > 0) {
                s.waiting = false;
                listener.onSendable(s);
            }
        }
    }

    /** Lets others have what the window of a closed stream had grown by. */
    void closed(HboneStream s) {
        forget(s);
        spare += s.grown;
        s.grown = 0;
    }

    /** Forgets a stream that sends no more. */
    void forget(HboneStream s) {
        s.waiting = false;
        if (s.queued) {
            dequeue(s);
        }
    }

    private void returnCredit(HboneStream s, int bytes) {
        if (s.remoteEnded || s.closed) {
            return;
        }
        s.toReturn += bytes;
        if (s.toReturn >= s.receiveWindowMax + 1 >>> 1) {
            writer.windowUpdate(s.id(), s.toReturn);
            s.receiveWindow += s.toReturn;
            s.toReturn = 0;
        }
    }

    private void enqueue(HboneStream s) {
        if (s.queued) {
            return;
        }
        s.queued = true;
        s.waitsBefore = lastWaiting;
        s.waitsAfter = null;
        if (lastWaiting == null) {
            firstWaiting = s;
        } else {
            lastWaiting.waitsAfter = s;
        }
        lastWaiting = s;
        waitingCount++;
    }

    private void dequeue(HboneStream s) {
        HboneStream before = s.waitsBefore;
        HboneStream after = s.waitsAfter;
        if (before == null) {
            firstWaiting = after;
        } else {
            before.waitsAfter = after;
        }
        if (after == null) {
            lastWaiting = before;
        } else {
            after.waitsBefore = before;
        }
        s.waitsBefore = null;
        s.waitsAfter = null;
        s.queued = false;
        waitingCount--;
    }
}
