package io.culvert.protocol.hbone;

import io.culvert.protocol.hbone.frame.AbuseKind;
import io.culvert.protocol.hbone.frame.FrameWriter;
import io.culvert.protocol.hbone.frame.Http2Exception;
import io.culvert.protocol.hbone.hpack.HpackEncoder;
import org.jspecify.annotations.Nullable;

/**
 * The state that the sending and the receiving half of a session share, and how streams end.
 *
 * <p>Bounds: open streams by our settings; remembered ids by fixed rings.
 */
final class SessionCore {
    private static final int RESETS_REMEMBERED = 256;
    private static final int CLOSES_REMEMBERED = 32;
    /** An interim and a final answer, the end, a reset: what may come for a stream besides octets. */
    private static final int LATE_FRAMES_PER_STREAM = 4;

    /** The first GOAWAY of a graceful drain names no stream in particular. */
    static final int ANY_STREAM = Integer.MAX_VALUE;
    /** Marks the PING that separates the two GOAWAYs of a graceful drain: "culvert\0" in ASCII. */
    static final long DRAIN_PING = 0x63756c7665727400L;

    final boolean server;
    final HboneSettings local;
    final HboneListener listener;
    final FrameWriter writer = new FrameWriter();
    final HpackEncoder encoder = new HpackEncoder();
    final AbuseGuard guard = new AbuseGuard();
    final FlowControl flow = new FlowControl(guard);
    final StreamTable streams = new StreamTable();
    final ReceiveWindows windows;
    /** Reset by us: the peer may not know yet. */
    final RecentStreams resetHere;
    /** Closed in any other way: the peer knows. */
    final RecentStreams closedRecently = new RecentStreams(CLOSES_REMEMBERED);

    PeerSettings peer = PeerSettings.INITIAL;
    boolean failed;
    int lastPeerStreamId;
    int nextStreamId = 1;
    /** The peer has acknowledged our first SETTINGS, so it knows our limits. */
    boolean limitsKnown;

    int pingsUnanswered;
    /** Streams reset by us that had carried nothing. */
    long unusedResets;

    /** Streams of the peer above this id are refused. */
    int acceptUpTo = ANY_STREAM;

    boolean goAwaySent;
    boolean finalGoAwaySent;
    boolean goAwayReceived;
    boolean drainPingUnanswered;
    int drainCode;

    SessionCore(boolean server, HboneSettings local, HboneListener listener) {
        this.server = server;
        this.local = local;
        this.listener = listener;
        this.windows = new ReceiveWindows(writer, streams, local, listener::isShortOfMemory);
        // A client that knows of no reset has as many streams open as it may have; a server's frames are judged by
        // late().
        this.resetHere =
                new RecentStreams(server ? Math.max(RESETS_REMEMBERED, local.streamsMax()) : RESETS_REMEMBERED);
    }

    /** Says whether no stream of this id was ever opened. */
    boolean isIdle(int id) {
        boolean odd = (id & 1) == 1;
        return server ? !odd || id > lastPeerStreamId : !odd || id >= nextStreamId;
    }

    HboneStream open(int id) {
        HboneStream s = new HboneStream(id, peer.initialWindowBytes(), windows.initialWindow());
        streams.add(s);
        return s;
    }

    void endLocally(HboneStream s) {
        s.localEnded = true;
        flow.forget(s);
        if (s.remoteEnded) {
            close(s);
            closedRecently.add(s.id());
        }
    }

    void endRemotely(HboneStream s) {
        s.remoteEnded = true;
        if (s.localEnded) {
            close(s);
            closedRecently.add(s.id());
        }
    }

    void resetByPeer(HboneStream s) {
        close(s);
        closedRecently.add(s.id());
    }

    void resetHere(HboneStream s, int code) {
        writer.reset(s.id(), code);
        if (!s.remoteEnded) {
            expectLate(s.receiveWindow);
        }
        close(s);
        resetHere.add(s.id());
    }

    /** Refuses a stream of which the application has not heard. */
    void refuseUnseen(int id, int code) {
        writer.reset(id, code);
        expectLate(windows.initialWindow());
        resetHere.add(id);
    }

    private void expectLate(int credit) {
        windows.expectLate(credit);
        guard.earn(AbuseKind.CLOSED_STREAM, LATE_FRAMES_PER_STREAM);
    }

    /**
     * Passes over a frame for a stream that is not open any more, which the peer may have sent before it knew.
     *
     * <p>Bounds: octets by what streams had credit for when we reset them, other frames by a few per such stream: an honest
     * peer cannot have sent more, however late it learns. The rest counts as {@link AbuseKind#CLOSED_STREAM}.
     *
     * @param flowBytes of DATA; 0 for anything else
     */
    void late(int flowBytes) throws Http2Exception {
        if (flowBytes == 0 || !windows.isLate(flowBytes)) {
            guard.charge(AbuseKind.CLOSED_STREAM, 1);
        }
    }

    /** Ends a stream on which the peer broke a rule. */
    void fault(HboneStream s, int code) throws Http2Exception {
        resetHere(s, code);
        listener.onFault(s, code);
        listener.onReset(s, code);
        guard.charge(AbuseKind.PROVOKED_RESET, 1);
    }

    /** Answers a frame for a stream that is not there any more, or never was let in. */
    void fault(int id, int code) throws Http2Exception {
        writer.reset(id, code);
        listener.onFault(null, code);
        guard.charge(AbuseKind.PROVOKED_RESET, 1);
    }

    /** Drops a stream without a word to the peer, which has said itself that it will not serve it. */
    void drop(HboneStream s) {
        close(s);
        resetHere.add(s.id());
    }

    void goAway(int lastStreamId, int code, String debug, boolean isFinal) {
        writer.goAway(lastStreamId, code, debug);
        goAwaySent = true;
        finalGoAwaySent |= isFinal;
        if (isFinal) {
            acceptUpTo = Math.min(acceptUpTo, lastStreamId);
        }
    }

    void fail(int code, String detail, @Nullable AbuseKind kind) {
        if (!failed) {
            failed = true;
            goAway(lastPeerStreamId, code, detail, true);
            listener.onConnectionError(code, detail, kind);
        }
    }

    private void close(HboneStream s) {
        if (s.closed) {
            return;
        }
        s.closed = true;
        streams.remove(s);
        flow.forget(s);
        windows.closed(s);
    }
}
