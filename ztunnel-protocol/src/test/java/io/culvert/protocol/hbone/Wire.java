package io.culvert.protocol.hbone;

import io.culvert.protocol.hbone.frame.FrameHeader;
import io.culvert.protocol.hbone.frame.Http2Code;
import io.culvert.protocol.hbone.hpack.HpackEncoder;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Writes frames, also such as no honest peer would, and reads them back; knows nothing of the code under test but HPACK. */
final class Wire {
    static final byte[] PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

    /** One frame as text: {@code type/flags/stream} and what is worth comparing of its payload. */
    static final class Frame {
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

        int type() {
            return type;
        }

        int stream() {
            return stream;
        }

        byte[] payload() {
            return payload;
        }

        int int32(int at) {
            return ByteBuffer.wrap(payload).getInt(at);
        }

        @Override
        public String toString() {
            return switch (type) {
                case FrameHeader.RST_STREAM -> "RST " + stream + " " + Http2Code.name(int32(0));
                case FrameHeader.GOAWAY -> "GOAWAY " + int32(0) + " " + Http2Code.name(int32(4));
                case FrameHeader.WINDOW_UPDATE -> "WINDOW_UPDATE " + stream + " " + int32(0);
                case FrameHeader.SETTINGS -> (flags & 1) == 1 ? "SETTINGS ACK" : "SETTINGS";
                case FrameHeader.PING -> (flags & 1) == 1 ? "PING ACK" : "PING";
                case FrameHeader.HEADERS -> "HEADERS " + stream + ((flags & 1) == 1 ? " END" : "");
                case FrameHeader.DATA -> "DATA " + stream + " " + payload.length + ((flags & 1) == 1 ? " END" : "");
                default -> "type " + type + " on " + stream;
            };
        }
    }

    private Wire() {}

    static byte[] frame(int type, int flags, int stream, byte... payload) {
        ByteBuffer out = ByteBuffer.allocate(9 + payload.length);
        FrameHeader.write(out, payload.length, type, flags, stream);
        return out.put(payload).array();
    }

    static byte[] settings(int... pairs) {
        ByteBuffer payload = ByteBuffer.allocate(pairs.length * 3);
        for (int i = 0; i < pairs.length; i += 2) {
            payload.putShort((short) pairs[i]).putInt(pairs[i + 1]);
        }
        return frame(FrameHeader.SETTINGS, 0, 0, payload.array());
    }

    static byte[] settingsAck() {
        return frame(FrameHeader.SETTINGS, FrameHeader.FLAG_ACK, 0);
    }

    static byte[] block(String... namesAndValues) {
        HpackEncoder encoder = new HpackEncoder();
        encoder.begin();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            encoder.add(namesAndValues[i], namesAndValues[i + 1]);
        }
        return java.util.Arrays.copyOf(encoder.block(), encoder.length());
    }

    static byte[] headers(int stream, boolean end, String... namesAndValues) {
        int flags = FrameHeader.FLAG_END_HEADERS | (end ? FrameHeader.FLAG_END_STREAM : 0);
        return frame(FrameHeader.HEADERS, flags, stream, block(namesAndValues));
    }

    static byte[] connect(int stream) {
        return headers(stream, false, ":method", "CONNECT", ":authority", "10.0.0.1:80");
    }

    static byte[] ok(int stream) {
        return headers(stream, false, ":status", "200");
    }

    static byte[] data(int stream, boolean end, int length) {
        return frame(FrameHeader.DATA, end ? FrameHeader.FLAG_END_STREAM : 0, stream, new byte[length]);
    }

    static byte[] padded(int stream, int length, int padding) {
        byte[] payload = new byte[1 + length + padding];
        payload[0] = (byte) padding;
        return frame(FrameHeader.DATA, FrameHeader.FLAG_PADDED, stream, payload);
    }

    static byte[] reset(int stream, int code) {
        return frame(FrameHeader.RST_STREAM, 0, stream, int32(code));
    }

    static byte[] windowUpdate(int stream, int increment) {
        return frame(FrameHeader.WINDOW_UPDATE, 0, stream, int32(increment));
    }

    static byte[] ping(boolean ack) {
        return frame(FrameHeader.PING, ack ? FrameHeader.FLAG_ACK : 0, 0, new byte[8]);
    }

    static byte[] goAway(int last, int code) {
        return frame(FrameHeader.GOAWAY, 0, 0, concat(int32(last), int32(code)));
    }

    static byte[] priority(int stream, int dependsOn) {
        return frame(FrameHeader.PRIORITY, 0, stream, concat(int32(dependsOn), new byte[1]));
    }

    static byte[] int32(int value) {
        return ByteBuffer.allocate(4).putInt(value).array();
    }

    static byte[] concat(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.write(part, 0, part.length);
        }
        return all.toByteArray();
    }

    /** Cuts whole frames, after a preface if there is one. */
    static List<Frame> split(byte[] bytes) {
        List<Frame> frames = new ArrayList<>();
        ByteBuffer in = ByteBuffer.wrap(bytes);
        if (bytes.length > 3 && bytes[0] == 'P' && bytes[1] == 'R' && bytes[2] == 'I') {
            in.position(PREFACE.length);
        }
        while (in.hasRemaining()) {
            int lengthAndType = in.getInt();
            int flags = in.get();
            int stream = in.getInt();
            byte[] payload = new byte[lengthAndType >>> 8];
            in.get(payload);
            frames.add(new Frame(lengthAndType & 0xFF, flags, stream, payload));
        }
        return frames;
    }
}
