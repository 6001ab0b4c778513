package io.culvert.protocol.dns;

import io.culvert.protocol.net.IpAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes answers.
 *
 * <table>
 * <caption>An answer</caption>
 * <tr><th>offset</th><th>size</th><th>what</th></tr>
 * <tr><td>0</td><td>2</td><td>the request's id</td></tr>
 * <tr><td>2</td><td>2</td><td>flags: response, authoritative, truncated, recursion desired (as asked) and available, rcode</td></tr>
 * <tr><td>4</td><td>8</td><td>counts of questions, answers, authorities, additional records</td></tr>
 * <tr><td>12</td><td></td><td>the request's question, letter by letter</td></tr>
 * <tr><td></td><td></td><td>records; names that came before are pointers to where they were</td></tr>
 * <tr><td></td><td>11</td><td>EDNS, if the request had it</td></tr>
 * </table>
 *
 * <p>Bounds: never longer than what is given; what does not fit is left out and the truncation flag set.
 *
 * <p>Source: RFC 1035 section 4, RFC 6891.
 */
public final class DnsReply {
    /** The longest message that TCP carries. */
    public static final int TCP_BYTES_MAX = 65_535;

    /** The longest answer by UDP to a client that does not say what it takes. */
    public static final int UDP_BYTES_DEFAULT = 512;

    /** The longest payload of a UDP datagram over IPv4. */
    public static final int UDP_BYTES_MAX = 65_507;

    private static final int RESPONSE = 0x8000;
    private static final int AUTHORITATIVE = 0x0400;
    private static final int TRUNCATED = 0x0200;
    private static final int RECURSION_AVAILABLE = 0x0080;
    private static final int OPCODE_AND_RECURSION_DESIRED = 0x7900;
    private static final int POINTER = 0xc000;
    private static final int CLASS_IN = 1;
    private static final int FIXED_BYTES = 10;
    private static final int EDNS_BYTES = 11;

    private final ByteBuffer out;
    private final int ttlSeconds;
    private int records;

    private DnsReply(ByteBuffer out, int ttlSeconds) {
        this.out = out;
        this.ttlSeconds = ttlSeconds;
    }

    /** How long an answer to a request by UDP may be. */
    public static int udpBytesMax(DnsRequest.Lookup lookup) {
        DnsRequest.Edns edns = lookup.edns();
        return edns == null ? UDP_BYTES_DEFAULT : Math.clamp(edns.payloadBytes(), UDP_BYTES_DEFAULT, UDP_BYTES_MAX);
    }

    /**
     * An authoritative answer.
     *
     * @param message the request that was parsed
     * @param lookup what it asks for
     * @param canonical the name that the addresses belong to, null when it is the one asked for
     * @param addresses of the family asked for; none means that the name exists and has no such address
     * @param bytesMax at least {@link #UDP_BYTES_DEFAULT}
     */
    public static byte[] addresses(
            byte[] message,
            DnsRequest.Lookup lookup,
            @Nullable DnsName canonical,
            List<IpAddress> addresses,
            int ttlSeconds,
            int bytesMax) {
        DnsRequest.Edns edns = lookup.edns();
        int questionEnd = DnsRequestReader.questionEnd(message);
        ByteBuffer out =
                ByteBuffer.allocate(Math.min(bytesMax, questionEnd + 2 * 300 + 28 * addresses.size() + EDNS_BYTES));
        out.limit(out.capacity() - (edns == null ? 0 : EDNS_BYTES));
        out.put(message, 0, questionEnd);
        DnsReply reply = new DnsReply(out, ttlSeconds);
        boolean whole = addresses.isEmpty() || reply.records(message, lookup, canonical, addresses);
        out.limit(out.capacity());
        if (edns != null) {
            reply.edns(edns);
        }
        int flags = RESPONSE | AUTHORITATIVE | RECURSION_AVAILABLE | (whole ? 0 : TRUNCATED);
        header(out, message, flags, DnsRcode.NOERROR);
        out.putShort(4, (short) 1).putShort(6, (short) reply.records);
        out.putShort(8, (short) 0).putShort(10, (short) (edns == null ? 0 : 1));
        return Arrays.copyOf(out.array(), out.position());
    }

    /** An answer without records: the request's id and, if it can be read, its question. */
    public static byte[] error(byte[] message, DnsRcode rcode) {
        int questionEnd = DnsRequestReader.questionEnd(message);
        ByteBuffer out = ByteBuffer.wrap(Arrays.copyOf(message, Math.max(questionEnd, DnsCursor.HEADER_BYTES)));
        header(out, message, RESPONSE | RECURSION_AVAILABLE, rcode);
        out.putShort(4, (short) (questionEnd > DnsCursor.HEADER_BYTES ? 1 : 0)).putShort(6, (short) 0);
        out.putInt(8, 0);
        return out.array();
    }

    private static void header(ByteBuffer out, byte[] message, int flags, DnsRcode rcode) {
        int asked = DnsCursor.u16(message, 2) & OPCODE_AND_RECURSION_DESIRED;
        out.putShort(2, (short) (flags | asked | rcode.number()));
    }

    /** Whether all of them fit. */
    private boolean records(
            byte[] message, DnsRequest.Lookup lookup, @Nullable DnsName canonical, List<IpAddress> addresses) {
        // The question may be spelled in capitals; records are not.
        int owner = isSmall(message, lookup.name()) ? DnsCursor.HEADER_BYTES : -1;
        DnsName name = lookup.name();
        if (canonical != null) {
            if (!begin(owner, name, DnsType.CNAME, wireBytes(canonical))) {
                return false;
            }
            owner = out.position();
            put(canonical);
            name = canonical;
        }
        for (IpAddress address : addresses) {
            byte[] bytes = address.toBytes();
            int at = out.position();
            if (!begin(owner, name, bytes.length == 4 ? DnsType.A : DnsType.AAAA, bytes.length)) {
                return false;
            }
            out.put(bytes);
            owner = owner < 0 ? at : owner;
        }
        return true;
    }

    /** All of a record but its data; false when it does not fit. */
    private boolean begin(int owner, DnsName name, int type, int dataBytes) {
        int nameBytes = owner < 0 ? wireBytes(name) : 2;
        if (out.remaining() < nameBytes + FIXED_BYTES + dataBytes) {
            return false;
        }
        if (owner < 0) {
            put(name);
        } else {
            out.putShort((short) (POINTER | owner));
        }
        out.putShort((short) type).putShort((short) CLASS_IN).putInt(ttlSeconds).putShort((short) dataBytes);
        records++;
        return true;
    }

    private void put(DnsName name) {
        for (String label : name.labels()) {
            out.put((byte) label.length()).put(label.getBytes(StandardCharsets.ISO_8859_1));
        }
        out.put((byte) 0);
    }

    private static int wireBytes(DnsName name) {
        return 1 + name.labels().stream().mapToInt(label -> 1 + label.length()).sum();
    }

    private static boolean isSmall(byte[] message, DnsName name) {
        int at = DnsCursor.HEADER_BYTES;
        for (String label : name.labels()) {
            at++;
            for (int i = 0; i < label.length(); i++, at++) {
                if ((message[at] & 0xff) != label.charAt(i)) {
                    return false;
                }
            }
        }
        return true;
    }

    private void edns(DnsRequest.Edns edns) {
        out.put((byte) 0).putShort((short) DnsType.OPT);
        out.putShort((short) Math.max(UDP_BYTES_DEFAULT, edns.payloadBytes()));
        out.put((byte) 0).put((byte) edns.version()).putShort((short) (edns.dnssec() ? 0x8000 : 0));
        out.putShort((short) 0);
    }
}
