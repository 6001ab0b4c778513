package io.culvert.protocol.dns;

import java.util.ArrayList;
import java.util.List;

/**
 * Reads a message front to back.
 *
 * <p>Bounds: pointers lead only backwards, and a name ends with its 255th byte, so every read ends. Errors: {@link
 * DnsFormatException}.
 */
final class DnsCursor {
    static final int HEADER_BYTES = 12;
    private static final int POINTER = 0xc0;

    private final byte[] message;
    private int at;

    DnsCursor(byte[] message, int at) {
        this.message = message;
        this.at = at;
    }

    int at() {
        return at;
    }

    boolean atEnd() {
        return at == message.length;
    }

    int u8() throws DnsFormatException {
        return message[advance(1)] & 0xff;
    }

    int u16() throws DnsFormatException {
        return u16(message, advance(2));
    }

    /** Four bytes as they are: a number beyond 31 bits is negative. */
    int i32() throws DnsFormatException {
        return u16() << 16 | u16();
    }

    void skip(int bytes) throws DnsFormatException {
        int _ = advance(bytes);
    }

    private int advance(int bytes) throws DnsFormatException {
        if (message.length - at < bytes) {
            throw new DnsFormatException("the message ends too early");
        }
        int from = at;
        at += bytes;
        return from;
    }

    /** A name; the cursor goes on behind its first part. */
    DnsName name() throws DnsFormatException {
        List<String> labels = new ArrayList<>();
        int bytes = 1;
        int end = -1;
        int lowest = at;
        int length = u8();
        while (length != 0) {
            if ((length & POINTER) == POINTER) {
                int target = (length & ~POINTER) << 8 | u8();
                // Strictly back, or two pointers could chase each other for ever.
                if (target < HEADER_BYTES || target >= lowest) {
                    throw new DnsFormatException("a name points forwards");
                }
                end = end < 0 ? at : end;
                at = target;
                lowest = target;
            } else {
                bytes += 1 + length;
                if (length > DnsName.LABEL_BYTES_MAX || bytes > DnsName.WIRE_BYTES_MAX) {
                    throw new DnsFormatException("a name is too long");
                }
                labels.add(label(length));
            }
            length = u8();
        }
        at = end < 0 ? at : end;
        return new DnsName(labels);
    }

    /**
     * Goes past a name without following where it points, so that many records take no longer than their bytes.
     */
    void skipName() throws DnsFormatException {
        int from = at;
        int bytes = 1;
        int length = u8();
        while (length != 0) {
            if ((length & POINTER) == POINTER) {
                int target = (length & ~POINTER) << 8 | u8();
                if (target < HEADER_BYTES || target >= from) {
                    throw new DnsFormatException("a name points forwards");
                }
                return;
            }
            bytes += 1 + length;
            if (length > DnsName.LABEL_BYTES_MAX || bytes > DnsName.WIRE_BYTES_MAX) {
                throw new DnsFormatException("a name is too long");
            }
            skip(length);
            length = u8();
        }
    }

    private String label(int length) throws DnsFormatException {
        int from = advance(length);
        StringBuilder label = new StringBuilder(length);
        for (int i = from; i < from + length; i++) {
            label.append((char) DnsName.small(message[i] & 0xff));
        }
        return label.toString();
    }

    static int u16(byte[] message, int at) {
        return (message[at] & 0xff) << 8 | message[at + 1] & 0xff;
    }
}
