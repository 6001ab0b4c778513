package io.culvert.protocol.hbone.frame;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * The queue of control frames on their way out; DATA with payload never passes through here.
 *
 * <p>Owns: one byte array that shrinks when it runs empty. Runs on: one loop.
 *
 * <p>Bounds: none of its own; who provokes the frames is stopped by {@link AbuseKind#OUTPUT_BACKLOG}.
 */
public final class FrameWriter {
    private static final byte[] PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
    private static final int BYTES_KEPT = 512;
    private static final int DEBUG_BYTES_MAX = 128;
    private static final byte[] NOTHING = new byte[0];

    private byte[] queue = NOTHING;
    private int from;
    private int to;

    /** Returns how many octets wait. */
    public int pending() {
        return to - from;
    }

    /** Moves as many octets as fit and returns how many. */
    public int drain(ByteBuffer out) {
        int n = Math.min(pending(), out.remaining());
        out.put(queue, from, n);
        from += n;
        if (from == to) {
            from = 0;
            to = 0;
            if (queue.length > BYTES_KEPT) {
                queue = NOTHING;
            }
        }
        return n;
    }

    /** Queues what a client says first. */
    public void preface() {
        bytes(PREFACE, PREFACE.length);
    }

    /** Queues a SETTINGS frame of alternating identifiers and values. */
    public void settings(int... pairs) {
        header(pairs.length * 3, FrameHeader.SETTINGS, 0, 0);
        for (int i = 0; i < pairs.length; i += 2) {
            reserve(6);
            queue[to++] = (byte) (pairs[i] >>> 8);
            queue[to++] = (byte) pairs[i];
            int32(pairs[i + 1]);
        }
    }

    /** Queues the acknowledgement of the peer's SETTINGS. */
    public void settingsAck() {
        header(0, FrameHeader.SETTINGS, FrameHeader.FLAG_ACK, 0);
    }

    /** Queues a PING or, with {@code ack}, the answer to one. */
    public void ping(boolean ack, long opaque) {
        header(8, FrameHeader.PING, ack ? FrameHeader.FLAG_ACK : 0, 0);
        reserve(8);
        int32((int) (opaque >>> 32));
        int32((int) opaque);
    }

    /** Queues a GOAWAY; of the debug text the first octets only. */
    public void goAway(int lastStreamId, int code, String debug) {
        byte[] text = debug.getBytes(StandardCharsets.US_ASCII);
        int length = Math.min(text.length, DEBUG_BYTES_MAX);
        header(8 + length, FrameHeader.GOAWAY, 0, 0);
        reserve(8);
        int32(lastStreamId);
        int32(code);
        bytes(text, length);
    }

    /** Queues a RST_STREAM. */
    public void reset(int streamId, int code) {
        header(4, FrameHeader.RST_STREAM, 0, streamId);
        reserve(4);
        int32(code);
    }

    /** Queues a WINDOW_UPDATE for a stream, or for the connection as stream 0. */
    public void windowUpdate(int streamId, int increment) {
        header(4, FrameHeader.WINDOW_UPDATE, 0, streamId);
        reserve(4);
        int32(increment);
    }

    /** Queues a whole header block; it fits the smallest maximum frame size, so it is never split. */
    public void headers(int streamId, boolean endStream, byte[] block, int length) {
        if (length > FrameHeader.MAX_FRAME_SIZE_LEAST) {
            throw new IllegalArgumentException("header block of " + length + " octets");
        }
        int flags = FrameHeader.FLAG_END_HEADERS | (endStream ? FrameHeader.FLAG_END_STREAM : 0);
        header(length, FrameHeader.HEADERS, flags, streamId);
        bytes(block, length);
    }

    /** Queues an empty DATA frame that ends the stream. */
    public void endStream(int streamId) {
        header(0, FrameHeader.DATA, FrameHeader.FLAG_END_STREAM, streamId);
    }

    private void header(int length, int type, int flags, int streamId) {
        reserve(FrameHeader.BYTES);
        int32(length << 8 | type);
        queue[to++] = (byte) flags;
        int32(streamId);
    }

    private void bytes(byte[] source, int length) {
        reserve(length);
        System.arraycopy(source, 0, queue, to, length);
        to += length;
    }

    private void int32(int value) {
        queue[to++] = (byte) (value >>> 24);
        queue[to++] = (byte) (value >>> 16);
        queue[to++] = (byte) (value >>> 8);
        queue[to++] = (byte) value;
    }

    private void reserve(int bytes) {
        if (queue.length - to >= bytes) {
            return;
        }
        int pending = pending();
        byte[] target = queue;
        if (queue.length - pending < bytes) {
            target = new byte[Math.max(128, Math.max(queue.length * 2, pending + bytes))];
        }
        System.arraycopy(queue, from, target, 0, pending);
        queue = target;
        from = 0;
        to = pending;
    }
}
