package io.culvert.protocol.dns;

import io.culvert.protocol.net.IpAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A question of our own for one address of a name, and the answer to it.
 *
 * <p>Bounds: by EDNS the answer by UDP is asked to have at most {@link #UDP_BYTES_MAX} bytes, which no network cuts in pieces.
 *
 * <p>Source: RFC 1035 section 4, RFC 6891.
 */
public final class DnsQuestion {
    /** How long an answer by UDP may be. */
    public static final int UDP_BYTES_MAX = 1_232;

    private static final int RECURSION_DESIRED = 0x0100;
    private static final int TRUNCATED = 0x0200;
    private static final int RCODE = 0x000f;
    private static final int CLASS_IN = 1;
    private static final int EDNS_BYTES = 11;
    private static final int TTL_BYTES = 4;

    private DnsQuestion() {}

    /**
     * What was answered.
     *
     * @param rcode rcode; {@link DnsRcode#FORMERR}'s where the answer cannot be read
     * @param truncated whether something was left out, which may be asked for by TCP
     * @param first the first address of the family, null when there is none
     */
    public record Answer(
            int rcode, boolean truncated, @Nullable IpAddress first) {}

    /** A request, under the id 0. */
    public static byte[] of(DnsName name, boolean v4) {
        ByteBuffer out = ByteBuffer.allocate(DnsCursor.HEADER_BYTES + DnsName.WIRE_BYTES_MAX + 4 + EDNS_BYTES);
        out.putShort((short) 0).putShort((short) RECURSION_DESIRED);
        out.putShort((short) 1).putInt(0).putShort((short) 1);
        for (String label : name.labels()) {
            out.put((byte) label.length()).put(label.getBytes(StandardCharsets.ISO_8859_1));
        }
        out.put((byte) 0).putShort((short) type(v4)).putShort((short) CLASS_IN);
        out.put((byte) 0)
                .putShort((short) DnsType.OPT)
                .putShort((short) UDP_BYTES_MAX)
                .putInt(0)
                .putShort((short) 0);
        return Arrays.copyOf(out.array(), out.position());
    }

    private static int type(boolean v4) {
        return v4 ? DnsType.A : DnsType.AAAA;
    }

    /** Reads the answer to a request that {@link #of} made for this family. */
    public static Answer answer(byte[] response, boolean v4) {
        if (response.length < DnsCursor.HEADER_BYTES) {
            return new Answer(DnsRcode.FORMERR.number(), false, null);
        }
        int flags = DnsCursor.u16(response, 2);
        boolean truncated = (flags & TRUNCATED) != 0;
        try {
            return new Answer(flags & RCODE, truncated, first(response, v4));
        } catch (DnsFormatException e) {
            return new Answer(DnsRcode.FORMERR.number(), truncated, null);
        }
    }

    /** Names on the way lead to it; whose it is has been followed by the server. */
    private static @Nullable IpAddress first(byte[] response, boolean v4) throws DnsFormatException {
        DnsCursor cursor = new DnsCursor(response, DnsCursor.HEADER_BYTES);
        for (int questions = DnsCursor.u16(response, 4); questions > 0; questions--) {
            DnsName _ = cursor.name();
            cursor.skip(4);
        }
        for (int answers = DnsCursor.u16(response, 6); answers > 0; answers--) {
            DnsName _ = cursor.name();
            int type = cursor.u16();
            int dnsClass = cursor.u16();
            cursor.skip(TTL_BYTES);
            int length = cursor.u16();
            int at = cursor.at();
            cursor.skip(length);
            if (type == type(v4) && dnsClass == CLASS_IN && length == (v4 ? 4 : 16)) {
                return IpAddress.ofBytes(Arrays.copyOfRange(response, at, at + length));
            }
        }
        return null;
    }
}
