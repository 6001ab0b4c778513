package io.culvert.protocol.hbone;

import io.culvert.protocol.hbone.frame.AbuseKind;
import io.culvert.protocol.hbone.frame.FrameSink;
import io.culvert.protocol.hbone.frame.Http2Code;
import io.culvert.protocol.hbone.frame.Http2Exception;
import io.culvert.protocol.hbone.hpack.HpackDecoder;
import io.culvert.protocol.hbone.hpack.HpackException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** The receiving half of a session: what each frame of the peer means for streams, windows and settings. */
final class FrameReceiver implements FrameSink {
    /** What one stream past the limit costs once the peer has acknowledged the limit: it cannot be a race any more. */
    private static final int KNOWING_EXCESS_UNITS = 25;

    private static final int UNKNOWN_FRAME_UNIT_SHIFT = 14;

    private final SessionCore core;
    private final HboneListener listener;
    private final HpackDecoder decoder;

    /** The stream of the DATA frame that is arriving; null when its payload is to be dropped. */
    private @Nullable HboneStream dataStream;

    private boolean dataEndsStream;
    /** The frame has payload, whoever takes it. */
    private boolean dataHasPayload;

    FrameReceiver(SessionCore core) {
        this.core = core;
        this.listener = core.listener;
        this.decoder = new HpackDecoder(core.local.headerListBytesMax());
        if (core.local.headerTableBytes() > HpackDecoder.TABLE_BYTES_DEFAULT) {
            decoder.limitTable(core.local.headerTableBytes());
        }
    }

    @Override
    public void frame(int type) throws Http2Exception {
        if (core.failed) {
            throw new Http2Exception(Http2Code.INTERNAL_ERROR, "the connection is gone");
        }
        if (core.writer.pending() > core.local.outputBytesMax()) {
            throw new Http2Exception(AbuseKind.OUTPUT_BACKLOG, "control frames are not read");
        }
    }

    @Override
    public void data(int streamId, int flowBytes, boolean endStream) throws Http2Exception {
        dataStream = null;
        dataEndsStream = endStream;
        dataHasPayload = false;
        core.windows.received(flowBytes);
        HboneStream s = core.streams.find(streamId);
        if (s == null) {
            absent(streamId, flowBytes);
        } else if (s.remoteEnded) {
            core.fault(s, Http2Code.STREAM_CLOSED);
        } else if (!core.server && !s.answered) {
            core.fault(s, Http2Code.PROTOCOL_ERROR);
        } else if (!core.windows.received(s, flowBytes)) {
            core.fault(s, Http2Code.FLOW_CONTROL_ERROR);
        } else {
            dataStream = s;
        }
    }

    @Override
    public void dataPayload(ByteBuffer in, int length) {
        HboneStream s = delivered(length);
        if (s != null) {
            listener.onData(s, in, length);
            core.windows.rebalance();
        }
    }

    @Override
    public void dataPassed(int length) {
        HboneStream s = delivered(length);
        if (s != null) {
            listener.onPassed(s, length);
            core.windows.rebalance();
        }
    }

    /** Payload arrived: whose it is, or null when it is to be dropped. */
    private @Nullable HboneStream delivered(int length) {
        HboneStream s = payloadStream();
        dataHasPayload = true;
        if (s == null) {
            core.windows.discarded(length);
        } else {
            s.carried = true;
            core.windows.delivered(s, length);
        }
        return s;
    }

    /** Whose payload is arriving; null when nobody's. */
    @Nullable
    HboneStream payloadStream() {
        HboneStream s = dataStream;
        return s == null || s.closed ? null : s;
    }

    @Override
    public void dataPadding(int paddingBytes) {
        HboneStream s = dataStream;
        if (s == null || s.closed) {
            core.windows.discarded(paddingBytes);
        } else {
            core.windows.padding(s, paddingBytes);
        }
    }

    @Override
    public void dataEnd() throws Http2Exception {
        HboneStream s = dataStream;
        dataStream = null;
        if (!dataHasPayload && !dataEndsStream) {
            core.guard.charge(AbuseKind.EMPTY_DATA, 1);
        } else if (dataHasPayload && s != null) {
            core.guard.earn(AbuseKind.EMPTY_DATA, 1);
            core.guard.earn(AbuseKind.PING, 1);
        }
        if (dataEndsStream && s != null && !s.closed) {
            core.endRemotely(s);
            listener.onEnd(s);
        }
    }

    @Override
    public void headers(int streamId, boolean endStream, int dependsOn, byte[] block, int length)
            throws Http2Exception {
        HeaderFields fields = new HeaderFields();
        boolean whole = decode(block, length, fields);
        HboneStream s = core.streams.find(streamId);
        if (s == null) {
            if (isNewFromPeer(streamId)) {
                request(streamId, endStream, dependsOn, fields, whole);
            } else {
                lateHeaders(streamId);
            }
        } else if (s.remoteEnded) {
            core.fault(s, Http2Code.STREAM_CLOSED);
        } else if (dependsOn == streamId) {
            core.fault(s, Http2Code.PROTOCOL_ERROR);
        } else if (core.server || s.answered) {
            trailers(s, endStream, fields);
        } else {
            response(s, endStream, fields, whole);
        }
    }

    @Override
    public void priority(int streamId, int dependsOn) throws Http2Exception {
        core.guard.charge(AbuseKind.PRIORITY, 1);
        if (dependsOn == streamId) {
            throw new Http2Exception(Http2Code.PROTOCOL_ERROR, "a stream depends on itself");
        }
    }

    @Override
    public void reset(int streamId, int code) throws Http2Exception {
        HboneStream s = core.streams.find(streamId);
        if (s != null) {
            if (core.server && !s.carried) {
                core.guard.spend(AbuseKind.UNUSED_RESET);
            }
            core.resetByPeer(s);
            listener.onReset(s, code);
        } else if (core.isIdle(streamId)) {
            throw new Http2Exception(Http2Code.PROTOCOL_ERROR, "RST_STREAM on an idle stream");
        } else if (core.resetHere.remove(streamId)) {
            if (core.server) {
                // Refused by us while the peer gave it up: work for nothing as well.
                core.guard.spend(AbuseKind.UNUSED_RESET);
            }
            core.closedRecently.add(streamId);
        } else if (!core.closedRecently.remove(streamId)) {
            core.late(0);
        }
    }

    @Override
    public void settings(byte[] payload, int length) throws Http2Exception {
        core.guard.charge(AbuseKind.SETTINGS, 1);
        PeerSettings before = core.peer;
        PeerSettings now = before.with(payload, length, core.server);
        core.peer = now;
        core.encoder.limitTable(now.headerTableBytes());
        int more = now.initialWindowBytes() - before.initialWindowBytes();
        if (more != 0) {
            for (HboneStream s : core.streams.snapshot()) {
                if (!core.flow.credited(s, more)) {
                    throw new Http2Exception(Http2Code.FLOW_CONTROL_ERROR, "a stream's window overflows by SETTINGS");
                }
            }
        }
        core.writer.settingsAck();
        listener.onPeerSettings(now);
        core.flow.dispatch(listener);
    }

    @Override
    public void settingsAck() throws Http2Exception {
        if (!core.windows.acknowledged()) {
            core.guard.charge(AbuseKind.SETTINGS, 1);
            return;
        }
        core.limitsKnown = true;
        decoder.limitTable(core.local.headerTableBytes());
    }

    @Override
    public void ping(boolean ack, long opaque) throws Http2Exception {
        if (!ack) {
            core.guard.charge(AbuseKind.PING, 1);
            core.writer.ping(true, opaque);
        } else if (core.drainPingUnanswered && opaque == SessionCore.DRAIN_PING) {
            core.drainPingUnanswered = false;
            core.goAway(core.lastPeerStreamId, core.drainCode, "", true);
        } else if (core.pingsUnanswered > 0) {
            core.pingsUnanswered--;
            listener.onPong(opaque);
        } else {
            core.guard.charge(AbuseKind.PING, 1);
        }
    }

    @Override
    public void goAway(int lastStreamId, int code, String debug) throws Http2Exception {
        core.guard.charge(AbuseKind.GOAWAY, 1);
        core.goAwayReceived = true;
        listener.onGoAway(lastStreamId, code, debug);
        if (core.server) {
            return;
        }
        for (HboneStream s : core.streams.snapshot()) {
            if (s.id() > lastStreamId && !s.closed) {
                core.drop(s);
                listener.onReset(s, Http2Code.REFUSED_STREAM);
            }
        }
    }

    @Override
    public void windowUpdate(int streamId, int increment) throws Http2Exception {
        core.guard.charge(AbuseKind.WINDOW_UPDATE, 1);
        if (streamId == 0) {
            if (increment == 0) {
                throw new Http2Exception(Http2Code.PROTOCOL_ERROR, "WINDOW_UPDATE of 0");
            }
            core.flow.credited(increment);
            core.flow.dispatch(listener);
            return;
        }
        HboneStream s = core.streams.find(streamId);
        if (s == null) {
            if (core.isIdle(streamId)) {
                throw new Http2Exception(Http2Code.PROTOCOL_ERROR, "WINDOW_UPDATE on an idle stream");
            }
        } else if (increment == 0) {
            core.fault(s, Http2Code.PROTOCOL_ERROR);
        } else if (!core.flow.credited(s, increment)) {
            core.fault(s, Http2Code.FLOW_CONTROL_ERROR);
        } else {
            core.flow.dispatch(listener);
        }
    }

    @Override
    public void unknown(int length) throws Http2Exception {
        core.guard.charge(AbuseKind.UNKNOWN_FRAME, 1 + (length >>> UNKNOWN_FRAME_UNIT_SHIFT));
    }

    private boolean decode(byte[] block, int length, HeaderFields fields) throws Http2Exception {
        try {
            return decoder.decode(block, 0, length, fields);
        } catch (HpackException e) {
            throw new Http2Exception(Http2Code.COMPRESSION_ERROR, String.valueOf(e.getMessage()));
        }
    }

    private boolean isNewFromPeer(int id) {
        return core.server && (id & 1) == 1 && id > core.lastPeerStreamId;
    }

    /** DATA for a stream that is not open: in flight when we reset it, or against the rules. */
    private void absent(int streamId, int flowBytes) throws Http2Exception {
        if (core.isIdle(streamId)) {
            throw new Http2Exception(Http2Code.PROTOCOL_ERROR, "DATA on an idle stream");
        }
        if (core.closedRecently.contains(streamId)) {
            core.fault(streamId, Http2Code.STREAM_CLOSED);
        } else {
            core.late(flowBytes);
        }
    }

    /** HEADERS for a stream that is not open: an answer to one that we gave up, trailers, or against the rules. */
    private void lateHeaders(int streamId) throws Http2Exception {
        if (core.closedRecently.contains(streamId)) {
            throw new Http2Exception(Http2Code.STREAM_CLOSED, "HEADERS on a closed stream");
        }
        if (core.server ? !core.resetHere.contains(streamId) : core.isIdle(streamId)) {
            throw new Http2Exception(Http2Code.PROTOCOL_ERROR, "HEADERS on a stream that cannot be opened");
        }
        core.late(0);
    }

    private void request(int id, boolean endStream, int dependsOn, HeaderFields fields, boolean whole)
            throws Http2Exception {
        core.lastPeerStreamId = id;
        if (dependsOn == id) {
            core.refuseUnseen(id, Http2Code.PROTOCOL_ERROR);
            listener.onFault(null, Http2Code.PROTOCOL_ERROR);
            core.guard.charge(AbuseKind.PROVOKED_RESET, 1);
            return;
        }
        boolean late = id > core.acceptUpTo;
        if (late || core.streams.size() >= core.local.streamsMax()) {
            core.refuseUnseen(id, Http2Code.REFUSED_STREAM);
            boolean knowing = !late && core.limitsKnown;
            core.guard.charge(AbuseKind.STREAM_EXCESS, knowing ? KNOWING_EXCESS_UNITS : 1);
            return;
        }
        if (core.guard.isSpent(AbuseKind.UNUSED_RESET)) {
            core.refuseUnseen(id, Http2Code.REFUSED_STREAM);
            core.guard.charge(AbuseKind.RAPID_RESET, 1);
            return;
        }
        HboneStream s = core.open(id);
        s.remoteEnded = endStream;
        RequestFault fault = RequestReader.fault(fields, whole);
        ConnectRequest request = fault == null ? RequestReader.request(fields) : null;
        if (request == null) {
            s.fault = fault == null ? RequestFault.AUTHORITY_MALFORMED : fault;
            listener.onMalformedRequest(s, s.fault);
            core.guard.charge(AbuseKind.MALFORMED_REQUEST, 1);
        } else {
            listener.onConnect(s, request);
        }
        if (endStream && !s.closed) {
            listener.onEnd(s);
        }
    }

    private void response(HboneStream s, boolean endStream, HeaderFields fields, boolean whole) throws Http2Exception {
        int status = whole ? RequestReader.status(fields) : 0;
        if (status == 0 || status < 200 && endStream || status == 101) {
            core.fault(s, Http2Code.PROTOCOL_ERROR);
            return;
        }
        if (status < 200) {
            core.guard.charge(AbuseKind.INTERIM_RESPONSE, 1);
            return;
        }
        s.answered = true;
        s.connected = status == 200;
        listener.onResponse(s, new ConnectResponse(status, fields.baggage));
        if (endStream && !s.closed) {
            core.endRemotely(s);
            listener.onEnd(s);
        }
    }

    private void trailers(HboneStream s, boolean endStream, HeaderFields fields) throws Http2Exception {
        if (!endStream || fields.pseudo || fields.malformed) {
            core.fault(s, Http2Code.PROTOCOL_ERROR);
            return;
        }
        core.endRemotely(s);
        listener.onEnd(s);
    }
}
