package io.culvert.protocol.hbone;

import io.culvert.protocol.hbone.frame.FrameHeader;
import io.culvert.protocol.hbone.frame.Http2Code;
import io.culvert.protocol.hbone.frame.Http2Exception;
import io.culvert.protocol.hbone.hpack.HpackDecoder;

/**
 * What the peer's SETTINGS said so far; large unsigned values stand as {@link Integer#MAX_VALUE}.
 *
 * <p>Source: RFC 9113, section 6.5.2.
 */
public record PeerSettings(
        int headerTableBytes, int streamsMax, int initialWindowBytes, int frameBytesMax, int headerListBytesMax) {
    /** What holds before the peer has spoken. */
    static final PeerSettings INITIAL = new PeerSettings(
            HpackDecoder.TABLE_BYTES_DEFAULT,
            Integer.MAX_VALUE,
            FlowControl.WINDOW_BYTES_DEFAULT,
            FrameHeader.MAX_FRAME_SIZE_LEAST,
            Integer.MAX_VALUE);

    /** Applies the entries of one SETTINGS frame in order. */
    PeerSettings with(byte[] payload, int length, boolean fromClient) throws Http2Exception {
        PeerSettings now = this;
        for (int at = 0; at < length; at += 6) {
            int id = (payload[at] & 0xFF) << 8 | payload[at + 1] & 0xFF;
            long value = (payload[at + 2] & 0xFFL) << 24
                    | (payload[at + 3] & 0xFFL) << 16
                    | (payload[at + 4] & 0xFFL) << 8
                    | payload[at + 5] & 0xFFL;
            now = now.with(id, value, fromClient);
        }
        return now;
    }

    private PeerSettings with(int id, long value, boolean fromClient) throws Http2Exception {
        int clamped = (int) Math.min(value, Integer.MAX_VALUE);
        return switch (id) {
            case FrameHeader.SETTING_HEADER_TABLE_SIZE ->
                new PeerSettings(clamped, streamsMax, initialWindowBytes, frameBytesMax, headerListBytesMax);
            case FrameHeader.SETTING_ENABLE_PUSH -> {
                require(value == 0 || value == 1 && fromClient, Http2Code.PROTOCOL_ERROR, "ENABLE_PUSH");
                yield this;
            }
            case FrameHeader.SETTING_MAX_CONCURRENT_STREAMS ->
                new PeerSettings(headerTableBytes, clamped, initialWindowBytes, frameBytesMax, headerListBytesMax);
            case FrameHeader.SETTING_INITIAL_WINDOW_SIZE -> {
                require(value <= Integer.MAX_VALUE, Http2Code.FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE");
                yield new PeerSettings(headerTableBytes, streamsMax, clamped, frameBytesMax, headerListBytesMax);
            }
            case FrameHeader.SETTING_MAX_FRAME_SIZE -> {
                boolean right = value >= FrameHeader.MAX_FRAME_SIZE_LEAST && value <= FrameHeader.MAX_FRAME_SIZE_MOST;
                require(right, Http2Code.PROTOCOL_ERROR, "MAX_FRAME_SIZE");
                yield new PeerSettings(headerTableBytes, streamsMax, initialWindowBytes, clamped, headerListBytesMax);
            }
            case FrameHeader.SETTING_MAX_HEADER_LIST_SIZE ->
                new PeerSettings(headerTableBytes, streamsMax, initialWindowBytes, frameBytesMax, clamped);
            default -> this;
        };
    }

    private static void require(boolean right, int code, String name) throws Http2Exception {
        if (!right) {
            throw new Http2Exception(code, "bad value for SETTINGS_" + name);
        }
    }
}
