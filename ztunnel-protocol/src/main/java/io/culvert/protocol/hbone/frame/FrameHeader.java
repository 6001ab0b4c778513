package io.culvert.protocol.hbone.frame;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The nine octets before every frame, and the numbers that stand in them.
 *
 * <pre>
 * offset size content
 * 0      3    payload length
 * 3      1    type
 * 4      1    flags
 * 5      4    stream id, top bit reserved
 * </pre>
 *
 * <p>Source: RFC 9113, sections 4.1 and 6.
 */
public final class FrameHeader {
    public static final int BYTES = 9;

    public static final int DATA = 0x0;
    public static final int HEADERS = 0x1;
    public static final int PRIORITY = 0x2;
    public static final int RST_STREAM = 0x3;
    public static final int SETTINGS = 0x4;
    public static final int PUSH_PROMISE = 0x5;
    public static final int PING = 0x6;
    public static final int GOAWAY = 0x7;
    public static final int WINDOW_UPDATE = 0x8;
    public static final int CONTINUATION = 0x9;

    public static final int FLAG_ACK = 0x1;
    public static final int FLAG_END_STREAM = 0x1;
    public static final int FLAG_END_HEADERS = 0x4;
    public static final int FLAG_PADDED = 0x8;
    public static final int FLAG_PRIORITY = 0x20;

    public static final int SETTING_HEADER_TABLE_SIZE = 0x1;
    public static final int SETTING_ENABLE_PUSH = 0x2;
    public static final int SETTING_MAX_CONCURRENT_STREAMS = 0x3;
    public static final int SETTING_INITIAL_WINDOW_SIZE = 0x4;
    public static final int SETTING_MAX_FRAME_SIZE = 0x5;
    public static final int SETTING_MAX_HEADER_LIST_SIZE = 0x6;

    public static final int MAX_FRAME_SIZE_LEAST = 16_384;
    public static final int MAX_FRAME_SIZE_MOST = (1 << 24) - 1;

    private FrameHeader() {}

    /** Writes a header at the buffer's position, which advances past it; the buffer is big-endian. */
    public static void write(ByteBuffer to, int length, int type, int flags, int streamId) {
        if (to.order() != ByteOrder.BIG_ENDIAN) {
            throw new IllegalArgumentException("frames are big-endian");
        }
        to.putInt(length << 8 | type).put((byte) flags).putInt(streamId);
    }
}
