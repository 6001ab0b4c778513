package io.culvert.protocol.dns;

/**
 * A message that is passed on under another id, and the answer that belongs to it.
 *
 * <p>Whoever guesses the id still has to name the question, and to come from the server's address to the port that only this
 * message was sent from.
 *
 * <p>Source: RFC 5452.
 */
public final class DnsExchange {
    private static final int RESPONSE = 0x8000;
    private static final int OPCODE = 0x7800;
    private static final int RCODE = 0x000f;
    /** Type and class, at the end of a question. */
    private static final int FIXED_BYTES = 4;

    private DnsExchange() {}

    /** The message's id. */
    public static int id(byte[] message) {
        return DnsCursor.u16(message, 0);
    }

    /** The message byte for byte, but for its id. */
    public static byte[] withId(byte[] message, int id) {
        byte[] changed = message.clone();
        changed[0] = (byte) (id >> 8);
        changed[1] = (byte) id;
        return changed;
    }

    /** Whether a message is the answer to another. */
    public static boolean answers(byte[] request, byte[] response) {
        if (response.length < DnsCursor.HEADER_BYTES || id(response) != id(request)) {
            return false;
        }
        int flags = DnsCursor.u16(response, 2);
        int asked = DnsCursor.u16(request, 2);
        if ((flags & RESPONSE) == 0 || (flags & OPCODE) != (asked & OPCODE)) {
            return false;
        }
        int end = DnsRequestReader.questionEnd(request);
        // A server that could not read the question may leave it out, and an update has none.
        boolean leftOut = DnsCursor.u16(response, 4) == 0 && (flags & (OPCODE | RCODE)) != 0;
        return end == DnsCursor.HEADER_BYTES || leftOut || sameQuestion(request, response, end);
    }

    private static boolean sameQuestion(byte[] request, byte[] response, int end) {
        if (response.length < end || DnsCursor.u16(response, 4) != 1) {
            return false;
        }
        for (int i = DnsCursor.HEADER_BYTES; i < end; i++) {
            int wanted = request[i] & 0xff;
            int found = response[i] & 0xff;
            // The bytes that count a label's letters are below all letters.
            boolean same = i < end - FIXED_BYTES ? DnsName.small(wanted) == DnsName.small(found) : wanted == found;
            if (!same) {
                return false;
            }
        }
        return true;
    }
}
