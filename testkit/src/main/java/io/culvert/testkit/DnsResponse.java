package io.culvert.testkit;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A DNS response in the making, its records as a server would write them that knows no pointers but to the
 * question.
 */
public final class DnsResponse {
    private static final int SOA = 6;
    private static final int OPT = 41;
    private static final int HEADER_BYTES = 12;
    private static final int QUESTION_NAME = 0xc00c;
    /** Where the counts of answers, authorities and additional records stand. */
    private static final int[] COUNTS_AT = {6, 8, 10};

    private final ByteBuffer out = ByteBuffer.allocate(65_535);
    private int section;

    private DnsResponse(byte[] request, int questionBytes, int flags) {
        out.put(request, 0, HEADER_BYTES + questionBytes).putShort(2, (short) flags);
        out.putInt(4, 1 << 16).putInt(8, 0);
    }

    /** A response to a query, with this rcode and no record yet. */
    public static DnsResponse to(byte[] request, int rcode) {
        int questionBytes = DnsWire.questionEnd(request) - HEADER_BYTES;
        return new DnsResponse(request, questionBytes, 0x8180 | rcode);
    }

    /** Further flags in its header. */
    public DnsResponse flags(int more) {
        out.putShort(2, (short) (out.getShort(2) | more));
        return this;
    }

    /** What follows are records of the authority section. */
    public DnsResponse authority() {
        section = 1;
        return this;
    }

    /** What follows are additional records. */
    public DnsResponse additional() {
        section = 2;
        return this;
    }

    /** A record of the name that was asked for. */
    public DnsResponse record(int type, long ttl, int... data) {
        out.putShort((short) QUESTION_NAME);
        return rest(type, 1, ttl, bytes(data));
    }

    /** A record of another name. */
    public DnsResponse recordOf(String name, int type, long ttl, int... data) {
        out.put(name(name));
        return rest(type, 1, ttl, bytes(data));
    }

    /** A zone's SOA record. */
    public DnsResponse soa(String zone, long ttl, long minimum) {
        ByteBuffer data = ByteBuffer.allocate(600).put(name("ns." + zone)).put(name("admin." + zone));
        data.putInt(1).putInt(7_200).putInt(900).putInt(86_400).putInt((int) minimum);
        out.put(name(zone));
        return rest(SOA, 1, ttl, Arrays.copyOf(data.array(), data.position()));
    }

    /** EDNS, with the upper bits of an rcode. */
    public DnsResponse edns(int upperRcode) {
        out.put((byte) 0);
        return rest(OPT, 1_232, (long) upperRcode << 24 | 0x8000, new byte[0]);
    }

    private DnsResponse rest(int type, int dnsClass, long ttl, byte[] data) {
        out.putShort((short) type).putShort((short) dnsClass).putInt((int) ttl);
        out.putShort((short) data.length).put(data);
        int at = COUNTS_AT[section];
        out.putShort(at, (short) (out.getShort(at) + 1));
        return this;
    }

    private static byte[] bytes(int... data) {
        byte[] bytes = new byte[data.length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) data[i];
        }
        return bytes;
    }

    private static byte[] name(String name) {
        ByteBuffer bytes = ByteBuffer.allocate(300);
        for (String label : name.split("\\.", -1)) {
            bytes.put((byte) label.length()).put(label.getBytes(StandardCharsets.ISO_8859_1));
        }
        bytes.put((byte) 0);
        return Arrays.copyOf(bytes.array(), bytes.position());
    }

    /** As it is sent. */
    public byte[] bytes() {
        return Arrays.copyOf(out.array(), out.position());
    }
}
