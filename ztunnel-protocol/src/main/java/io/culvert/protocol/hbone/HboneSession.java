package io.culvert.protocol.hbone;

import io.culvert.protocol.hbone.frame.FrameHeader;
import io.culvert.protocol.hbone.frame.FrameParser;
import io.culvert.protocol.hbone.frame.Http2Code;
import io.culvert.protocol.hbone.frame.Http2Exception;
import io.culvert.protocol.hbone.hpack.HpackDecoder;
import io.culvert.protocol.hbone.hpack.HpackEncoder;
import java.nio.ByteBuffer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One HTTP/2 connection that carries CONNECT streams, as a state machine: the caller moves the octets.
 *
 * <p>Incoming octets go to {@link #receive}, which calls the {@link HboneListener}. Outgoing control frames wait in
 * {@link #drainOutput}. Outgoing payload never passes through here: the caller asks {@link #sendable}, has {@link
 * #dataHeader} write the frame header before its own octets, and writes both, after what {@code drainOutput} held.
 *
 * <p>Runs on: one loop; not thread-safe. Owns: no buffer of the caller's.
 *
 * <p>Bounds: {@link HboneSettings}; octets that applications leave standing by {@link ReceiveWindows}; floods by {@link io.culvert.protocol.hbone.frame.AbuseKind}. Nothing is allocated per
 * DATA frame.
 *
 * <p>Errors: whatever the peer sends ends in {@link HboneListener#onConnectionError} at worst; wrong calls by us throw
 * {@link IllegalStateException} or {@link IllegalArgumentException}.
 *
 * <p>Source: RFC 9113, RFC 9110 section 9.3.6.
 */
public final class HboneSession {
    private static final int PINGS_UNANSWERED_MAX = 64;

    private final SessionCore core;
    private final FrameReceiver receiver;
    private final FrameParser parser;

    private HboneSession(boolean server, HboneSettings local, HboneListener listener) {
        core = new SessionCore(server, local, listener);
        receiver = new FrameReceiver(core);
        parser = new FrameParser(server, local.frameLimits(), receiver);
        if (!server) {
            core.writer.preface();
        }
        announce(local);
    }

    /** Opens the originator's side; the preface and SETTINGS are in the output at once. */
    public static HboneSession client(HboneSettings local, HboneListener listener) {
        return new HboneSession(false, local, listener);
    }

    /** Opens the terminating side; SETTINGS are in the output at once. */
    public static HboneSession server(HboneSettings local, HboneListener listener) {
        return new HboneSession(true, local, listener);
    }

    private void announce(HboneSettings local) {
        boolean table = local.headerTableBytes() != HpackDecoder.TABLE_BYTES_DEFAULT;
        int[] settings = new int[table ? 10 : 8];
        settings[0] = core.server ? FrameHeader.SETTING_MAX_CONCURRENT_STREAMS : FrameHeader.SETTING_ENABLE_PUSH;
        settings[1] = core.server ? local.streamsMax() : 0;
        settings[2] = FrameHeader.SETTING_INITIAL_WINDOW_SIZE;
        settings[3] = local.streamWindowBytes();
        settings[4] = FrameHeader.SETTING_MAX_FRAME_SIZE;
        settings[5] = local.frameBytesMax();
        settings[6] = FrameHeader.SETTING_MAX_HEADER_LIST_SIZE;
        settings[7] = local.headerListBytesMax();
        if (table) {
            settings[8] = FrameHeader.SETTING_HEADER_TABLE_SIZE;
            settings[9] = local.headerTableBytes();
        }
        core.writer.settings(settings);
        int more = local.connectionWindowBytes() - FlowControl.WINDOW_BYTES_DEFAULT;
        if (more > 0) {
            core.writer.windowUpdate(0, more);
        }
    }

    /**
     * Takes all of the buffer. After a connection error the rest is dropped.
     *
     * @param in heap or direct; its content is not kept
     * @param nowNanos a monotonic time, by which flood allowances come back
     */
    public void receive(ByteBuffer in, long nowNanos) {
        if (!core.failed) {
            tick(nowNanos);
            try {
                parser.parse(in);
                core.windows.settle();
            } catch (Http2Exception e) {
                core.fail(e.code(), e.detail(), e.kind());
            }
        }
        if (core.failed) {
            in.position(in.limit());
        }
    }

    private void tick(long nowNanos) {
        core.guard.tick(nowNanos);
        core.windows.tick(nowNanos);
    }

    /** Returns the stream whose payload comes next, {@link #payloadLeft} octets of it; null when something else does. */
    public @Nullable HboneStream payloadStream() {
        return core.failed || parser.payloadLeft() == 0 ? null : receiver.payloadStream();
    }

    /** Returns how many octets of payload come next; 0 when something else does. */
    public int payloadLeft() {
        return core.failed ? 0 : parser.payloadLeft();
    }

    /** Returns how many octets at least there are to the end of the next frame header when no payload comes before. */
    public int untilHeader() {
        return parser.untilHeader();
    }

    /**
     * Takes note of that payload's next octets, which the caller moved to where they belong without their passing through
     * here. {@link HboneListener#onPassed} says that they count as delivered, unless nobody wants them any more.
     *
     * @param nowNanos as for {@link #receive}
     */
    public void passed(int octets, long nowNanos) {
        if (core.failed) {
            return;
        }
        tick(nowNanos);
        try {
            parser.passPayload(octets);
            core.windows.settle();
        } catch (Http2Exception e) {
            core.fail(e.code(), e.detail(), e.kind());
        }
    }

    /** The connection is gone: nothing more is told, not even of what {@link #receive} is still taking. */
    public void abandon() {
        core.failed = true;
    }

    /** Returns how many octets of control frames wait. */
    public int pendingOutput() {
        return core.writer.pending();
    }

    /** Moves waiting control frames, in order, as many as fit; returns how many octets. */
    public int drainOutput(ByteBuffer to) {
        return core.writer.drain(to);
    }

    /** Client: opens a stream. The answer comes as {@link HboneListener#onResponse} or {@link HboneListener#onReset}. */
    public HboneStream connect(ConnectRequest r) throws ConnectRefusedException {
        requireRole(false);
        ConnectRefusedException.Reason reason = whyNotOpen();
        if (reason == null && listBytes(r) > core.peer.headerListBytesMax()) {
            reason = ConnectRefusedException.Reason.HEADERS_TOO_LARGE;
        }
        if (reason != null) {
            throw new ConnectRefusedException(reason);
        }
        HpackEncoder encoder = core.encoder;
        encoder.begin();
        encoder.add(":method", "CONNECT");
        encoder.add(":authority", r.authority().authority());
        addIfThere("baggage", r.baggage());
        addIfThere("forwarded", r.forwarded());
        addIfThere("traceparent", r.traceparent());
        addIfThere("x-forwarded-network", r.xForwardedNetwork());
        HboneStream s = core.open(core.nextStreamId);
        core.nextStreamId += 2;
        core.writer.headers(s.id(), false, encoder.block(), encoder.length());
        return s;
    }

    /** Server: the connection stands. Baggage that the peer would not take is left out. */
    public void accept(HboneStream s, @Nullable String baggage) {
        requireUnanswered(s);
        FieldText.check("baggage", baggage, ConnectRequest.BAGGAGE_CHARS_MAX);
        if (s.closed || core.failed) {
            return;
        }
        s.answered = true;
        s.connected = true;
        int bytes = HpackEncoder.listBytesOf(":status", "200");
        core.encoder.begin();
        core.encoder.add(":status", "200");
        if (baggage != null && bytes + HpackEncoder.listBytesOf("baggage", baggage) <= core.peer.headerListBytesMax()) {
            core.encoder.add("baggage", baggage);
        }
        core.writer.headers(s.id(), false, core.encoder.block(), core.encoder.length());
    }

    /** Server: answers with a failure status (400 to 599) and closes the stream. */
    public void refuse(HboneStream s, int status) {
        requireUnanswered(s);
        if (status < 400 || status > 599) {
            throw new IllegalArgumentException("status " + status);
        }
        if (s.closed || core.failed) {
            return;
        }
        s.answered = true;
        boolean protocolError = s.fault != null && s.fault.isProtocolError();
        core.encoder.begin();
        core.encoder.add(":status", Integer.toString(status));
        core.writer.headers(s.id(), !protocolError, core.encoder.block(), core.encoder.length());
        if (protocolError) {
            core.resetHere(s, Http2Code.PROTOCOL_ERROR);
        } else if (s.remoteEnded) {
            core.endLocally(s);
        } else {
            core.resetHere(s, Http2Code.NO_ERROR);
        }
        core.windows.release(s);
    }

    /**
     * Returns how many octets one DATA frame may carry now. At 0 by lack of credit the stream is remembered, and {@link
     * HboneListener#onSendable} follows; before a 200 and after our end it is 0 for good.
     */
    public int sendable(HboneStream s) {
        if (!s.connected || s.localEnded || s.closed || core.failed) {
            return 0;
        }
        return core.flow.sendable(s, core.peer.frameBytesMax());
    }

    /**
     * Writes the header of a DATA frame of {@code length} octets at the buffer's position, which advances by nine, and
     * takes the credit. Drain the control output first.
     */
    public void dataHeader(HboneStream s, int length, boolean end, ByteBuffer nineBytes) {
        if (length > 0 ? length > sendable(s) : !end || !canEnd(s)) {
            throw new IllegalArgumentException("DATA of " + length + " octets is not allowed on " + s);
        }
        int flags = end ? FrameHeader.FLAG_END_STREAM : 0;
        FrameHeader.write(nineBytes, length, FrameHeader.DATA, flags, s.id());
        if (length > 0) {
            s.carried = true;
            core.flow.sent(s, length);
        }
        if (end) {
            core.endLocally(s);
        }
    }

    /** Ends our direction with an empty DATA frame; nothing happens when it has ended already. */
    public void end(HboneStream s) {
        if (canEnd(s)) {
            core.writer.endStream(s.id());
            core.endLocally(s);
        }
    }

    /**
     * Ends the stream both ways, and gives up the octets that were delivered and not consumed; on a stream that is over
     * already only the latter.
     */
    public void reset(HboneStream s, int code) {
        if (core.failed) {
            return;
        }
        if (!s.closed) {
            if (!s.carried) {
                core.unusedResets++;
            }
            core.resetHere(s, code);
        }
        core.windows.release(s);
    }

    /** Returns how many streams were ever {@link #reset} that had carried nothing. */
    public long unusedResets() {
        return core.unusedResets;
    }

    /**
     * Reports that the application took octets of this stream, so that their credit goes back to the peer. To be called
     * for every octet delivered, also after the stream has ended, unless {@link #reset} gave them up.
     */
    public void consumed(HboneStream s, int bytes) {
        if (core.failed || s.closed && s.outstanding == 0) {
            return;
        }
        if (bytes < 0 || bytes > s.outstanding) {
            throw new IllegalArgumentException(bytes + " octets of " + s.outstanding + " consumed on " + s);
        }
        core.windows.consumed(s, bytes);
    }

    /** Sends a PING; {@link HboneListener#onPong} follows. */
    public void ping(long opaque) {
        if (core.pingsUnanswered >= PINGS_UNANSWERED_MAX) {
            throw new IllegalStateException("too many PINGs are unanswered");
        }
        if (!core.failed) {
            core.pingsUnanswered++;
            core.writer.ping(false, opaque);
        }
    }

    /**
     * Announces the end. Graceful, on the server: the peer is warned first and may open streams until it answers a PING;
     * then comes the last id that counts. Otherwise that id is announced at once. Open streams go on either way.
     */
    public void goAway(int code, boolean graceful) {
        if (core.failed || core.finalGoAwaySent) {
            return;
        }
        if (graceful && core.server) {
            if (!core.goAwaySent) {
                core.goAway(SessionCore.ANY_STREAM, Http2Code.NO_ERROR, "", false);
                core.drainCode = code;
                core.drainPingUnanswered = true;
                core.writer.ping(false, SessionCore.DRAIN_PING);
            }
        } else {
            core.drainPingUnanswered = false;
            core.goAway(core.lastPeerStreamId, code, "", true);
        }
    }

    /** Returns how many streams are open. */
    public int openStreams() {
        return core.streams.size();
    }

    /**
     * Returns how many octets the peer may send over all streams, credit included that is due to it and gathers: the
     * connection's whole window when all that was delivered has been consumed.
     */
    public int receiveCredit() {
        return core.windows.receiveCredit();
    }

    /** Returns how many octets were delivered that applications have not taken. */
    public long standing() {
        return core.windows.standing();
    }

    /** Returns of how many streams {@link #standing} octets are. */
    public int standingStreams() {
        return core.windows.standingStreams();
    }

    /** Returns how many streams may be open at once, by the peer's settings and ours. */
    public int streamLimit() {
        return core.server ? core.local.streamsMax() : Math.min(core.local.streamsMax(), core.peer.streamsMax());
    }

    /** Says whether {@link #connect} would open a stream now. */
    public boolean canOpen() {
        return !core.server && whyNotOpen() == null;
    }

    /** Says whether a GOAWAY was sent or received. */
    public boolean isDraining() {
        return core.goAwaySent || core.goAwayReceived;
    }

    /** Says whether the connection can be closed once the output is flushed. */
    public boolean isFinished() {
        return core.failed || (core.finalGoAwaySent || core.goAwayReceived) && core.streams.size() == 0;
    }

    /** Says whether the session ended with a connection error. */
    public boolean isFailed() {
        return core.failed;
    }

    /** Says whether a header block has begun and not ended, which a peer should not draw out. */
    public boolean insideHeaderBlock() {
        return parser.insideHeaderBlock();
    }

    /** Calls for each stream that is open now; it may be ended in the call. */
    public void forEachOpen(Consumer<HboneStream> action) {
        for (HboneStream s : core.streams.snapshot()) {
            action.accept(s);
        }
    }

    private ConnectRefusedException.@Nullable Reason whyNotOpen() {
        if (core.failed) {
            return ConnectRefusedException.Reason.FAILED;
        }
        if (isDraining()) {
            return ConnectRefusedException.Reason.DRAINING;
        }
        if (core.streams.size() >= streamLimit()) {
            return ConnectRefusedException.Reason.STREAM_LIMIT;
        }
        if (core.nextStreamId < 0) {
            return ConnectRefusedException.Reason.STREAM_IDS_EXHAUSTED;
        }
        boolean full = core.writer.pending() > core.local.outputBytesMax() / 2;
        return full ? ConnectRefusedException.Reason.OUTPUT_FULL : null;
    }

    private boolean canEnd(HboneStream s) {
        return s.connected && !s.localEnded && !s.closed && !core.failed;
    }

    private void addIfThere(String name, @Nullable String value) {
        if (value != null) {
            core.encoder.add(name, value);
        }
    }

    private static int listBytes(ConnectRequest r) {
        return HpackEncoder.listBytesOf(":method", "CONNECT")
                + HpackEncoder.listBytesOf(":authority", r.authority().authority())
                + listBytes("baggage", r.baggage())
                + listBytes("forwarded", r.forwarded())
                + listBytes("traceparent", r.traceparent())
                + listBytes("x-forwarded-network", r.xForwardedNetwork());
    }

    private static int listBytes(String name, @Nullable String value) {
        return value == null ? 0 : HpackEncoder.listBytesOf(name, value);
    }

    private void requireRole(boolean server) {
        if (core.server != server) {
            throw new IllegalStateException("this session is a " + (core.server ? "server" : "client"));
        }
    }

    private void requireUnanswered(HboneStream s) {
        requireRole(true);
        if (s.answered) {
            throw new IllegalStateException(s + " was answered already");
        }
    }
}
