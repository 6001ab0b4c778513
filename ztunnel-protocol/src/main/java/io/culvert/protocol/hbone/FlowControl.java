package io.culvert.protocol.hbone;

import io.culvert.protocol.hbone.frame.AbuseKind;
import io.culvert.protocol.hbone.frame.Http2Code;
import io.culvert.protocol.hbone.frame.Http2Exception;
import org.jspecify.annotations.Nullable;

/**
 * The credit that the peer gave us for one connection and its streams, and the turn of streams that wait for some.
 *
 * <p>Source: RFC 9113, section 5.2. What the peer may send us is with {@link ReceiveWindows}.
 */
final class FlowControl {
    static final int WINDOW_BYTES_DEFAULT = 65_535;

    private final AbuseGuard guard;

    private int sendWindow = WINDOW_BYTES_DEFAULT;

    private @Nullable HboneStream firstWaiting;
    private @Nullable HboneStream lastWaiting;
    private int waitingCount;

    FlowControl(AbuseGuard guard) {
        this.guard = guard;
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

    /** Forgets a stream that sends no more. */
    void forget(HboneStream s) {
        s.waiting = false;
        if (s.queued) {
            dequeue(s);
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
