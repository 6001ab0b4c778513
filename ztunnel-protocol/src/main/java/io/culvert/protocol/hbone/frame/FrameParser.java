package io.culvert.protocol.hbone.frame;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Cuts a peer's octets into frames, in whatever pieces they come.
 *
 * <p>Owns: at most one partial frame header, one partial control payload and one partial header block; DATA is passed on
 * as it lies in the caller's buffer. Runs on: one loop.
 *
 * <p>Bounds: frames by our SETTINGS_MAX_FRAME_SIZE, SETTINGS by {@value #SETTINGS_ENTRIES_MAX} entries, a header block by
 * {@link FrameLimits}. Memory grows with the octets that came, never with a length that was announced.
 *
 * <p>Errors: {@link Http2Exception}, after which the parser must not be used again.
 *
 * <p>Source: RFC 9113, sections 3.4, 4 and 6.
 */
public final class FrameParser {
    /** More entries than any peer has reason to send in one frame. */
    public static final int SETTINGS_ENTRIES_MAX = 64;

    private static final int DEBUG_BYTES_MAX = 256;
    private static final byte[] PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] NOTHING = new byte[0];

    /** What the next octet belongs to. */
    private enum Part {
        PREFACE,
        HEADER,
        PREFIX,
        BODY,
        PADDING
    }

    private final FrameSink sink;
    private final FrameLimits limits;
    private final byte[] header = new byte[FrameHeader.BYTES];
    private byte[] control = NOTHING;
    private Part part;
    /** Octets of the present part that came already, and those that still have to. */
    private int filled;

    private int left;
    private boolean first = true;

    private int type;
    private int flags;
    private int streamId;
    private int length;
    private int prefixBytes;
    private int paddingBytes;

    private byte[] block = NOTHING;
    private int blockBytes;
    /** The stream whose header block is open, or 0. */
    private int blockStreamId;

    private boolean blockEndStream;
    private int blockDependsOn;
    private int continuations;

    /** Makes a parser; {@code expectPreface} for the server's side. */
    public FrameParser(boolean expectPreface, FrameLimits limits, FrameSink sink) {
        this.sink = sink;
        this.limits = limits;
        part = expectPreface ? Part.PREFACE : Part.HEADER;
    }

    /** Says whether a header block has begun and not ended: the caller may want to bound how long that lasts. */
    public boolean insideHeaderBlock() {
        return blockStreamId != 0;
    }

    /** Returns how many octets of a DATA frame's payload come next; 0 when something else does. */
    public int payloadLeft() {
        return part == Part.BODY && type == FrameHeader.DATA ? left : 0;
    }

    /** Returns how many octets at least there are to the end of the next frame header when no such payload comes before. */
    public int untilHeader() {
        return switch (part) {
            case PREFACE -> PREFACE.length - filled + FrameHeader.BYTES;
            case HEADER -> FrameHeader.BYTES - filled;
            case PREFIX -> left;
            case BODY -> left + paddingBytes + FrameHeader.BYTES;
            case PADDING -> left + FrameHeader.BYTES;
        };
    }

    /** Goes on behind so many octets of that payload, which went another way. */
    public void passPayload(int octets) throws Http2Exception {
        if (octets < 0 || octets > payloadLeft()) {
            throw new IllegalArgumentException(octets + " octets of " + payloadLeft());
        }
        left -= octets;
        sink.dataPassed(octets);
        if (left == 0) {
            endBody();
        }
    }

    /** Takes all of the buffer. */
    public void parse(ByteBuffer in) throws Http2Exception {
        while (in.hasRemaining()) {
            switch (part) {
                case PREFACE -> preface(in);
                case HEADER -> header(in);
                case PREFIX -> prefix(in);
                case BODY -> body(in);
                case PADDING -> padding(in);
            }
        }
    }

    private void preface(ByteBuffer in) throws Http2Exception {
        while (in.hasRemaining() && filled < PREFACE.length) {
            if (in.get() != PREFACE[filled++]) {
                throw protocol("not an HTTP/2 preface");
            }
        }
        if (filled == PREFACE.length) {
            enter(Part.HEADER, 0);
        }
    }

    private void header(ByteBuffer in) throws Http2Exception {
        int n = Math.min(in.remaining(), FrameHeader.BYTES - filled);
        in.get(header, filled, n);
        filled += n;
        if (filled < FrameHeader.BYTES) {
            return;
        }
        length = (header[0] & 0xFF) << 16 | (header[1] & 0xFF) << 8 | header[2] & 0xFF;
        type = header[3] & 0xFF;
        flags = header[4] & 0xFF;
        streamId = int32(header, 5) & 0x7FFF_FFFF;
        checkFrame();
        sink.frame(type);
        begin();
    }

    private void checkFrame() throws Http2Exception {
        if (length > limits.frameBytesMax()) {
            throw new Http2Exception(Http2Code.FRAME_SIZE_ERROR, "frame of " + length + " octets");
        }
        if (first) {
            if (type != FrameHeader.SETTINGS || has(FrameHeader.FLAG_ACK)) {
                throw protocol("the first frame is not SETTINGS");
            }
            first = false;
        }
        if (blockStreamId != 0 && (type != FrameHeader.CONTINUATION || streamId != blockStreamId)) {
            throw protocol("header block interrupted");
        }
    }

    private void begin() throws Http2Exception {
        prefixBytes = 0;
        paddingBytes = 0;
        switch (type) {
            case FrameHeader.DATA -> beginData();
            case FrameHeader.HEADERS -> beginHeaders();
            case FrameHeader.CONTINUATION -> beginContinuation();
            case FrameHeader.PRIORITY -> beginControl(true, 5);
            case FrameHeader.RST_STREAM, FrameHeader.WINDOW_UPDATE ->
                beginControl(type == FrameHeader.RST_STREAM || streamId != 0, 4);
            case FrameHeader.PING -> beginControl(false, 8);
            case FrameHeader.SETTINGS -> beginSettings();
            case FrameHeader.GOAWAY -> beginControl(false, Math.max(8, length));
            case FrameHeader.PUSH_PROMISE -> throw protocol("PUSH_PROMISE");
            default -> sink.unknown(length);
        }
        enter(Part.PREFIX, prefixBytes);
        if (left == 0) {
            endPrefix();
        }
    }

    private void beginData() throws Http2Exception {
        requireStream(true);
        prefixBytes = has(FrameHeader.FLAG_PADDED) ? 1 : 0;
        requireLength(length >= prefixBytes);
        sink.data(streamId, length, has(FrameHeader.FLAG_END_STREAM));
    }

    private void beginHeaders() throws Http2Exception {
        requireStream(true);
        prefixBytes = (has(FrameHeader.FLAG_PADDED) ? 1 : 0) + (has(FrameHeader.FLAG_PRIORITY) ? 5 : 0);
        requireLength(length >= prefixBytes);
        blockStreamId = streamId;
        blockEndStream = has(FrameHeader.FLAG_END_STREAM);
        blockDependsOn = -1;
        blockBytes = 0;
        continuations = 0;
    }

    private void beginContinuation() throws Http2Exception {
        if (blockStreamId == 0) {
            throw protocol("CONTINUATION without HEADERS");
        }
        if (++continuations > limits.continuationsMax()) {
            throw new Http2Exception(AbuseKind.HEADER_BLOCK, "too many CONTINUATION frames");
        }
    }

    private void beginSettings() throws Http2Exception {
        requireStream(false);
        requireLength(length % 6 == 0 && (length == 0 || !has(FrameHeader.FLAG_ACK)));
        if (length > SETTINGS_ENTRIES_MAX * 6) {
            throw new Http2Exception(AbuseKind.SETTINGS, "SETTINGS of " + length / 6 + " entries");
        }
    }

    private void beginControl(boolean onStream, int bytes) throws Http2Exception {
        requireStream(onStream);
        requireLength(length == bytes);
    }

    private void prefix(ByteBuffer in) throws Http2Exception {
        keep(in);
        if (left == 0) {
            endPrefix();
        }
    }

    private void endPrefix() throws Http2Exception {
        int at = 0;
        if (prefixBytes > 0 && has(FrameHeader.FLAG_PADDED)) {
            paddingBytes = control[at++] & 0xFF;
        }
        if (prefixBytes - at == 5) {
            blockDependsOn = int32(control, at) & 0x7FFF_FFFF;
        }
        int bodyBytes = length - prefixBytes - paddingBytes;
        if (bodyBytes < 0) {
            throw protocol("padding is longer than the frame");
        }
        if (type == FrameHeader.DATA && length > bodyBytes) {
            sink.dataPadding(length - bodyBytes);
        }
        enter(Part.BODY, bodyBytes);
        if (left == 0) {
            endBody();
        }
    }

    private void body(ByteBuffer in) throws Http2Exception {
        switch (type) {
            case FrameHeader.DATA -> dataBody(in);
            case FrameHeader.HEADERS, FrameHeader.CONTINUATION -> blockBody(in);
            case FrameHeader.PRIORITY,
                    FrameHeader.RST_STREAM,
                    FrameHeader.SETTINGS,
                    FrameHeader.PING,
                    FrameHeader.GOAWAY,
                    FrameHeader.WINDOW_UPDATE -> keep(in);
            default -> skip(in);
        }
        if (left == 0) {
            endBody();
        }
    }

    private void dataBody(ByteBuffer in) throws Http2Exception {
        int n = Math.min(in.remaining(), left);
        int after = in.position() + n;
        int limit = in.limit();
        sink.dataPayload(in, n);
        in.limit(limit).position(after);
        left -= n;
    }

    private void blockBody(ByteBuffer in) throws Http2Exception {
        int n = Math.min(in.remaining(), left);
        int needed = blockBytes + n;
        if (needed > limits.headerBlockBytesMax()) {
            throw new Http2Exception(AbuseKind.HEADER_BLOCK, "header block is too long");
        }
        if (block.length < needed) {
            block = Arrays.copyOf(block, Math.max(needed, block.length * 2));
        }
        in.get(block, blockBytes, n);
        blockBytes = needed;
        left -= n;
    }

    private void endBody() throws Http2Exception {
        enter(Part.PADDING, paddingBytes);
        if (left == 0) {
            endFrame();
        }
    }

    private void padding(ByteBuffer in) throws Http2Exception {
        skip(in);
        if (left == 0) {
            endFrame();
        }
    }

    private void endFrame() throws Http2Exception {
        enter(Part.HEADER, 0);
        switch (type) {
            case FrameHeader.DATA -> sink.dataEnd();
            case FrameHeader.HEADERS, FrameHeader.CONTINUATION -> endBlock();
            case FrameHeader.PRIORITY -> sink.priority(streamId, int32(control, 0) & 0x7FFF_FFFF);
            case FrameHeader.RST_STREAM -> sink.reset(streamId, int32(control, 0));
            case FrameHeader.SETTINGS -> endSettings();
            case FrameHeader.PING -> sink.ping(has(FrameHeader.FLAG_ACK), int64(control));
            case FrameHeader.GOAWAY -> endGoAway();
            case FrameHeader.WINDOW_UPDATE -> sink.windowUpdate(streamId, int32(control, 0) & 0x7FFF_FFFF);
            default -> {}
        }
    }

    private void endBlock() throws Http2Exception {
        if (!has(FrameHeader.FLAG_END_HEADERS)) {
            return;
        }
        byte[] whole = block;
        int id = blockStreamId;
        block = NOTHING;
        blockStreamId = 0;
        sink.headers(id, blockEndStream, blockDependsOn, whole, blockBytes);
    }

    private void endSettings() throws Http2Exception {
        if (has(FrameHeader.FLAG_ACK)) {
            sink.settingsAck();
        } else {
            sink.settings(control, length);
        }
    }

    private void endGoAway() throws Http2Exception {
        int debugBytes = Math.min(length - 8, DEBUG_BYTES_MAX);
        String debug = new String(control, 8, debugBytes, StandardCharsets.ISO_8859_1);
        sink.goAway(int32(control, 0) & 0x7FFF_FFFF, int32(control, 4), debug);
    }

    /** Keeps what the control buffer holds of a payload and drops the rest, which only GOAWAY's debug data can have. */
    private void keep(ByteBuffer in) {
        int most = Math.max(SETTINGS_ENTRIES_MAX * 6, 8 + DEBUG_BYTES_MAX);
        int n = Math.min(in.remaining(), left);
        int kept = Math.min(n, most - filled);
        if (kept > 0) {
            if (control.length < filled + kept) {
                control = Arrays.copyOf(control, filled + kept <= 64 ? 64 : most);
            }
            in.get(control, filled, kept);
            filled += kept;
        }
        in.position(in.position() + n - Math.max(kept, 0));
        left -= n;
    }

    private void skip(ByteBuffer in) {
        int n = Math.min(in.remaining(), left);
        in.position(in.position() + n);
        left -= n;
    }

    private void enter(Part next, int bytes) {
        part = next;
        filled = 0;
        left = bytes;
    }

    private boolean has(int flag) {
        return (flags & flag) != 0;
    }

    private void requireStream(boolean onStream) throws Http2Exception {
        if (onStream != (streamId != 0)) {
            throw protocol("frame on the wrong kind of stream");
        }
    }

    private void requireLength(boolean right) throws Http2Exception {
        if (!right) {
            throw new Http2Exception(Http2Code.FRAME_SIZE_ERROR, "frame of a wrong size");
        }
    }

    private static Http2Exception protocol(String detail) {
        return new Http2Exception(Http2Code.PROTOCOL_ERROR, detail);
    }

    private static int int32(byte[] from, int at) {
        return (from[at] & 0xFF) << 24 | (from[at + 1] & 0xFF) << 16 | (from[at + 2] & 0xFF) << 8 | from[at + 3] & 0xFF;
    }

    private static long int64(byte[] from) {
        return (long) int32(from, 0) << 32 | int32(from, 4) & 0xFFFF_FFFFL;
    }
}
