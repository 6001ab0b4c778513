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
    final FlowControl flow;
    final StreamTable streams = new StreamTable();
    /** Reset by us: the peer may not know yet. */
    final RecentStreams resetHere = new RecentStreams(RESETS_REMEMBERED);
    /** Closed in any other way: the peer knows. */
    final RecentStreams closedRecently = new RecentStreams(CLOSES_REMEMBERED);

    PeerSettings peer = PeerSettings.INITIAL;
    boolean failed;
    int lastPeerStreamId;
    int nextStreamId = 1;
    int settingsUnacked = 1;
    int pingsUnanswered;

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
        this.flow = new FlowControl(writer, guard, local.connectionWindowBytes(), local.streamWindowBytes());
    }

    /** Says whether no stream of this id was ever opened. */
    boolean isIdle(int id) {
        boolean odd = (id & 1) == 1;
        return server ? !odd || id > lastPeerStreamId : !odd || id >= nextStreamId;
    }

    HboneStream open(int id) {
        HboneStream s = new HboneStream(id, peer.initialWindowBytes(), FlowControl.firstWindow(local));
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
        close(s);
        resetHere.add(s.id());
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
        flow.closed(s);
        if (s.connected && s.carried) {
            guard.earn(AbuseKind.RAPID_RESET, 1);
        }
    }
}
