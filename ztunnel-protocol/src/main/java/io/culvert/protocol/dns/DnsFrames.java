package io.culvert.protocol.dns;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Messages in a TCP stream, each behind two bytes that tell its length.
 *
 * <p>Runs on: one thread at a time. Bounds: holds at most one message of the greatest length, in as much memory as came.
 *
 * <p>Source: RFC 1035 section 4.2.2.
 */
public final class DnsFrames {
    private static final int PREFIX_BYTES = 2;
    private static final int BYTES_MAX = PREFIX_BYTES + DnsReply.TCP_BYTES_MAX;

    private byte[] held = new byte[0];
    private int from;
    private int to;

    /** How many bytes more are taken. */
    public int room() {
        return BYTES_MAX - (to - from);
    }

    /** Takes all that remains in the buffer, at most {@link #room}. */
    public void add(ByteBuffer bytes) {
        int count = bytes.remaining();
        if (count > room()) {
            throw new IllegalArgumentException("more than there is room for");
        }
        if (held.length - to < count) {
            makeRoom(count);
        }
        bytes.get(held, to, count);
        to += count;
    }

    /** Twice what is held, so that a message that comes byte by byte is not copied as often. */
    private void makeRoom(int count) {
        int live = to - from;
        byte[] larger = new byte[Math.max(live + count, Math.min(BYTES_MAX, 2 * live))];
        System.arraycopy(held, from, larger, 0, live);
        held = larger;
        from = 0;
        to = live;
    }

    /** The next whole message, null while there is none. */
    public byte @Nullable [] next() {
        if (to - from < PREFIX_BYTES) {
            return null;
        }
        int length = DnsCursor.u16(held, from);
        if (to - from - PREFIX_BYTES < length) {
            return null;
        }
        byte[] message = Arrays.copyOfRange(held, from + PREFIX_BYTES, from + PREFIX_BYTES + length);
        from += PREFIX_BYTES + length;
        return message;
    }

    /** A message as it goes into the stream. */
    public static ByteBuffer framed(byte[] message) {
        return ByteBuffer.allocate(PREFIX_BYTES + message.length)
                .putShort((short) message.length)
                .put(message)
                .flip();
    }
}
