package io.culvert.testkit;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;

/** DNS messages as a client writes and reads them; knows nothing of the agent's own code for them. */
public final class DnsWire {
    /** The type of IPv4 addresses. */
    public static final int A = 1;
    /** The type of IPv6 addresses. */
    public static final int AAAA = 28;
    /** The type of canonical names. */
    public static final int CNAME = 5;
    /** The type of services' places. */
    public static final int SRV = 33;

    private static final int OPT = 41;
    private static final int RECURSION_DESIRED = 0x0100;

    private DnsWire() {}

    /** One record; {@code data} is an address, a name, or the bytes in hex. */
    public record Rr(String name, int type, long ttl, String data) {}

    /** An answer, with all that it holds. */
    public record Answer(int id, int flags, List<String> questions, List<Rr> records, int ednsPayload) {
        /** Its rcode. */
        public int rcode() {
            return flags & 0xf;
        }

        /** Whether something was left out. */
        public boolean truncated() {
            return (flags & 0x0200) != 0;
        }

        /** Whether the server speaks for the name. */
        public boolean authoritative() {
            return (flags & 0x0400) != 0;
        }

        /** The data of all records of a type. */
        public List<String> data(int type) {
            return records.stream()
                    .filter(rr -> rr.type() == type)
                    .map(Rr::data)
                    .toList();
        }
    }

    /** A question without EDNS. */
    public static byte[] query(int id, String name, int type) {
        return query(id, name, type, -1);
    }

    /** A question that says how long an answer may be; a negative number says nothing. */
    public static byte[] query(int id, String name, int type, int ednsPayload) {
        ByteBuffer out = ByteBuffer.allocate(600);
        out.putShort((short) id).putShort((short) RECURSION_DESIRED).putShort((short) 1);
        out.putInt(0).putShort((short) (ednsPayload < 0 ? 0 : 1));
        putName(out, name);
        out.putShort((short) type).putShort((short) 1);
        if (ednsPayload >= 0) {
            out.put((byte) 0)
                    .putShort((short) OPT)
                    .putShort((short) ednsPayload)
                    .putInt(0)
                    .putShort((short) 0);
        }
        return taken(out);
    }

    /** A dynamic update of a zone, which is no query at all. */
    public static byte[] update(int id, String zone) {
        ByteBuffer out = ByteBuffer.allocate(600);
        out.putShort((short) id)
                .putShort((short) (5 << 11))
                .putShort((short) 1)
                .putInt(0)
                .putShort((short) 0);
        putName(out, zone);
        out.putShort((short) 6).putShort((short) 1);
        return taken(out);
    }

    /** What a server answers to a request: its id and question, one record of data as it is. */
    public static byte[] answer(byte[] request, int rcode, int type, byte[] data) {
        int end = questionEnd(request);
        ByteBuffer out = ByteBuffer.allocate(end + 12 + data.length);
        out.put(request, 0, end);
        out.putShort(2, (short) (0x8080 | rcode | ByteBuffer.wrap(request).getShort(2)));
        out.putShort(6, (short) (data.length == 0 ? 0 : 1)).putInt(8, 0);
        if (data.length > 0) {
            out.putShort((short) 0xc00c)
                    .putShort((short) type)
                    .putShort((short) 1)
                    .putInt(60);
            out.putShort((short) data.length).put(data);
        }
        return taken(out);
    }

    static int questionEnd(byte[] request) {
        ByteBuffer in = ByteBuffer.wrap(request).position(12);
        String _ = name(in);
        return in.position() + 4;
    }

    private static byte[] taken(ByteBuffer out) {
        byte[] bytes = new byte[out.position()];
        out.get(0, bytes);
        return bytes;
    }

    private static void putName(ByteBuffer out, String name) {
        for (String label : name.isEmpty() ? List.<String>of() : List.of(name.split("\\.", -1))) {
            out.put((byte) label.length()).put(label.getBytes(StandardCharsets.ISO_8859_1));
        }
        out.put((byte) 0);
    }

    /** Reads an answer; one that is not well formed throws. */
    public static Answer parse(byte[] message) {
        ByteBuffer in = ByteBuffer.wrap(message);
        int id = in.getShort() & 0xffff;
        int flags = in.getShort() & 0xffff;
        int[] counts = {in.getShort() & 0xffff, in.getShort() & 0xffff, in.getShort() & 0xffff, in.getShort() & 0xffff};
        List<String> questions = new ArrayList<>();
        for (int i = 0; i < counts[0]; i++) {
            questions.add(name(in) + " " + in.getShort());
            in.getShort();
        }
        List<Rr> records = new ArrayList<>();
        int edns = -1;
        for (int i = 0; i < counts[1] + counts[2] + counts[3]; i++) {
            String name = name(in);
            int type = in.getShort() & 0xffff;
            int classOrPayload = in.getShort() & 0xffff;
            long ttl = in.getInt() & 0xffff_ffffL;
            String data = data(in, type, in.getShort() & 0xffff);
            if (type == OPT) {
                edns = classOrPayload;
            } else {
                records.add(new Rr(name, type, ttl, data));
            }
        }
        if (in.hasRemaining()) {
            throw new IllegalArgumentException(in.remaining() + " bytes behind the end");
        }
        return new Answer(id, flags, questions, records, edns);
    }

    private static String data(ByteBuffer in, int type, int length) {
        int end = in.position() + length;
        String text;
        if (type == CNAME) {
            text = name(in);
        } else {
            byte[] bytes = new byte[length];
            in.get(bytes);
            text = type == A || type == AAAA ? address(bytes) : HexFormat.of().formatHex(bytes);
        }
        if (in.position() != end) {
            throw new IllegalArgumentException("data does not end where it should");
        }
        return text;
    }

    private static String address(byte[] bytes) {
        try {
            return InetAddress.getByAddress(bytes).getHostAddress();
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(e);
        }
    }

    private static String name(ByteBuffer in) {
        StringBuilder name = new StringBuilder();
        ByteBuffer at = in;
        int length = at.get() & 0xff;
        for (int i = 0; length != 0; i++) {
            if (i > 200) {
                throw new IllegalArgumentException("a name without an end");
            }
            if (length >= 0xc0) {
                int target = (length & 0x3f) << 8 | at.get() & 0xff;
                at = in.duplicate().position(target);
            } else {
                byte[] label = new byte[length];
                at.get(label);
                name.append(name.isEmpty() ? "" : ".").append(new String(label, StandardCharsets.ISO_8859_1));
            }
            length = at.get() & 0xff;
        }
        return name.toString();
    }

    /** A name with its letters in turn large and small, as clients do that want to be sure of their answer. */
    public static String mixed(String name) {
        StringBuilder mixed = new StringBuilder(name);
        for (int i = 0; i < mixed.length(); i += 2) {
            mixed.setCharAt(i, name.substring(i, i + 1).toUpperCase(Locale.ROOT).charAt(0));
        }
        return mixed.toString();
    }
}
