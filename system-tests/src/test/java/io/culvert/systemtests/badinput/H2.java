package io.culvert.systemtests.badinput;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** HTTP/2 frames by hand: every field may be wrong. Source: RFC 9113, RFC 7541. */
public final class H2 {
    public static final int DATA = 0;
    public static final int HEADERS = 1;
    public static final int PRIORITY = 2;
    public static final int RST_STREAM = 3;
    public static final int SETTINGS = 4;
    public static final int PUSH_PROMISE = 5;
    public static final int PING = 6;
    public static final int GOAWAY = 7;
    public static final int WINDOW_UPDATE = 8;
    public static final int CONTINUATION = 9;

    public static final int END_STREAM = 1;
    public static final int ACK = 1;
    public static final int END_HEADERS = 4;

    public static final int NO_ERROR = 0;
    public static final int PROTOCOL_ERROR = 1;
    public static final int FLOW_CONTROL_ERROR = 3;
    public static final int SETTINGS_TIMEOUT = 4;
    public static final int STREAM_CLOSED = 5;
    public static final int FRAME_SIZE_ERROR = 6;
    public static final int REFUSED_STREAM = 7;
    public static final int CANCEL = 8;
    public static final int COMPRESSION_ERROR = 9;
    public static final int CONNECT_ERROR = 10;
    public static final int ENHANCE_YOUR_CALM = 11;

    static final byte[] PREFACE = ascii("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    static final byte[] OK = {(byte) 0x88};
    private static final int FRAME_BYTES_MAX = 16_384;
    private static final int STATUS_INDEX = 8;
    private static final String[] STATUSES = {"200", "204", "206", "304", "400", "404", "500"};

    private H2() {}

    /** One frame as it came. */
    public static final class Frame {
        private final int type;
        private final int flags;
        private final int stream;
        private final byte[] payload;

        private Frame(int type, int flags, int stream, byte[] payload) {
            this.type = type;
            this.flags = flags;
            this.stream = stream;
            this.payload = payload;
        }

        public int type() {
            return type;
        }

        public int stream() {
            return stream;
        }

        public byte[] payload() {
            return payload.clone();
        }

        private int int32(int at) {
            return H2.int32(payload, at);
        }

        public boolean is(int wantedType, int wantedStream) {
            return type == wantedType && stream == wantedStream;
        }

        public boolean has(int flag) {
            return (flags & flag) != 0;
        }

        /** The error code of RST_STREAM or GOAWAY. */
        public int code() {
            return int32(type == GOAWAY ? 4 : 0);
        }

        /** The {@code :status} that a block of our agent begins with. */
        public int status() {
            int first = payload[0] & 0xff;
            if (first >= 0x80 + STATUS_INDEX && first < 0x80 + STATUS_INDEX + STATUSES.length) {
                return Integer.parseInt(STATUSES[first - 0x80 - STATUS_INDEX]);
            }
            // A literal whose name is an entry of the static table; three digits follow, plain.
            if (first == STATUS_INDEX || first == 0x40 + STATUS_INDEX || first == 0x10 + STATUS_INDEX) {
                return Integer.parseInt(new String(payload, 2, 3, StandardCharsets.US_ASCII));
            }
            throw new AssertionError("no :status in " + Arrays.toString(payload));
        }
    }

    public static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    public static byte[] join(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    public static byte[] repeat(byte[] what, int times) {
        byte[][] parts = new byte[times][];
        Arrays.fill(parts, what);
        return join(parts);
    }

    /** A frame; {@code length} is what it claims. */
    public static byte[] header(int length, int type, int flags, int stream) {
        return join(
                new byte[] {(byte) (length >>> 16), (byte) (length >>> 8), (byte) length, (byte) type, (byte) flags},
                int32(stream));
    }

    public static byte[] frame(int type, int flags, int stream, byte... payload) {
        return join(header(payload.length, type, flags, stream), payload);
    }

    public static byte[] int32(int value) {
        return new byte[] {(byte) (value >>> 24), (byte) (value >>> 16), (byte) (value >>> 8), (byte) value};
    }

    private static int int32(byte[] from, int at) {
        return from[at] << 24 | (from[at + 1] & 0xff) << 16 | (from[at + 2] & 0xff) << 8 | from[at + 3] & 0xff;
    }

    /** SETTINGS with id, value, id, value... */
    public static byte[] settings(int... pairs) {
        ByteArrayOutputStream payload = new ByteArrayOutputStream();
        for (int i = 0; i < pairs.length; i += 2) {
            payload.write(pairs[i] >>> 8);
            payload.write(pairs[i]);
            payload.writeBytes(int32(pairs[i + 1]));
        }
        return frame(SETTINGS, 0, 0, payload.toByteArray());
    }

    public static byte[] settingsAck() {
        return frame(SETTINGS, ACK, 0);
    }

    public static byte[] ping(boolean ack, byte... eight) {
        return frame(PING, ack ? ACK : 0, 0, eight);
    }

    public static byte[] windowUpdate(int stream, int increment) {
        return frame(WINDOW_UPDATE, 0, stream, int32(increment));
    }

    public static byte[] reset(int stream, int code) {
        return frame(RST_STREAM, 0, stream, int32(code));
    }

    public static byte[] goAway(int lastStream, int code) {
        return frame(GOAWAY, 0, 0, join(int32(lastStream), int32(code)));
    }

    public static byte[] data(int stream, int length, boolean end) {
        return frame(DATA, end ? END_STREAM : 0, stream, new byte[length]);
    }

    /** A whole header block of literals that are not indexed. */
    public static byte[] block(String... namesAndValues) {
        ByteArrayOutputStream block = new ByteArrayOutputStream();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            block.write(0);
            string(block, namesAndValues[i]);
            string(block, namesAndValues[i + 1]);
        }
        return block.toByteArray();
    }

    private static void string(ByteArrayOutputStream to, String text) {
        byte[] bytes = ascii(text);
        if (bytes.length < 127) {
            to.write(bytes.length);
        } else {
            to.write(127);
            int rest = bytes.length - 127;
            while (rest >= 128) {
                to.write(rest & 127 | 128);
                rest >>>= 7;
            }
            to.write(rest);
        }
        to.writeBytes(bytes);
    }

    public static byte[] headers(int stream, byte... block) {
        return frame(HEADERS, END_HEADERS, stream, block);
    }

    /** A request's block in as many frames as it takes. */
    public static byte[] request(int stream, byte... block) {
        byte[] frames = new byte[0];
        for (int at = 0; at < block.length; at += FRAME_BYTES_MAX) {
            int end = Math.min(block.length, at + FRAME_BYTES_MAX);
            int flags = end == block.length ? END_HEADERS : 0;
            byte[] part = Arrays.copyOfRange(block, at, end);
            frames = join(frames, frame(at == 0 ? HEADERS : CONTINUATION, flags, stream, part));
        }
        return frames;
    }

    public static byte[] connect(int stream, String authority) {
        return headers(stream, block(":method", "CONNECT", ":authority", authority));
    }

    /** Cuts what comes into frames. */
    public static final class Reader {
        private final ArrayDeque<Frame> frames = new ArrayDeque<>();
        private byte[] rest = new byte[0];

        void add(byte[] bytes) {
            rest = join(rest, bytes);
            while (rest.length >= 9) {
                int length = (rest[0] & 0xff) << 16 | (rest[1] & 0xff) << 8 | rest[2] & 0xff;
                if (rest.length < 9 + length) {
                    return;
                }
                int stream = int32(rest, 5);
                byte[] payload = Arrays.copyOfRange(rest, 9, 9 + length);
                frames.add(new Frame(rest[3] & 0xff, rest[4] & 0xff, stream, payload));
                rest = Arrays.copyOfRange(rest, 9 + length, rest.length);
            }
        }

        @Nullable
        Frame poll() {
            return frames.poll();
        }
    }
}
