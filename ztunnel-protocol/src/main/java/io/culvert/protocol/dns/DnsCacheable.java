package io.culvert.protocol.dns;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A response that may be given again to the same request for a while, as its records say.
 *
 * <p>Bounds: {@link #SECONDS_MAX}; what tells that there is nothing, {@link #NEGATIVE_SECONDS_MAX}. Errors:
 * none; whatever is in doubt is not cacheable.
 *
 * <p>Source: RFC 1035 section 7.4, RFC 2181 sections 8 and 9, RFC 2308 section 5, RFC 6891 section 6.1.3.
 */
public final class DnsCacheable {
    /** How long a response is given again at most. */
    public static final int SECONDS_MAX = 86_400;

    /** How long one is that tells that there is no such name, or no such record of it. */
    public static final int NEGATIVE_SECONDS_MAX = 3_600;

    private static final int RESPONSE = 0x8000;
    private static final int OPCODE = 0x7800;
    private static final int TRUNCATED = 0x0200;
    private static final int RCODE = 0x000f;
    private static final int CLASS_IN = 1;
    /** Type and class, at the end of a question. */
    private static final int FIXED_BYTES = 4;

    private final byte[] response;
    /** Where the times of its records stand. */
    private final int[] ttlsAt;

    private final int seconds;

    DnsCacheable(byte[] response, int[] ttlsAt, int seconds) {
        this.response = response;
        this.ttlsAt = ttlsAt;
        this.seconds = seconds;
    }

    /**
     * Judges a response.
     *
     * @param request a query with one question for records of the Internet
     * @param response what was answered
     * @return null when it must not be given again: it failed, was cut off, answers something else, may be kept
     *     for no time at all, or cannot be read whole
     */
    public static @Nullable DnsCacheable of(byte[] request, byte[] response) {
        int end = DnsRequestReader.questionEnd(request);
        if (!isPlainQuery(request, end) || !answersWhole(request, response, end)) {
            return null;
        }
        try {
            return new DnsCacheableReader(response, end, DnsCursor.u16(request, end - FIXED_BYTES)).read();
        } catch (DnsFormatException e) {
            return null;
        }
    }

    private static boolean isPlainQuery(byte[] request, int end) {
        return end > DnsCursor.HEADER_BYTES
                && (DnsCursor.u16(request, 2) & (RESPONSE | OPCODE)) == 0
                && DnsType.isOfRecords(DnsCursor.u16(request, end - FIXED_BYTES))
                && DnsCursor.u16(request, end - FIXED_BYTES + 2) == CLASS_IN;
    }

    /** The question is the same letter by letter, or who compares them would be given what is not his. */
    private static boolean answersWhole(byte[] request, byte[] response, int end) {
        if (response.length < end || response.length > DnsReply.TCP_BYTES_MAX) {
            return false;
        }
        int flags = DnsCursor.u16(response, 2);
        int rcode = flags & RCODE;
        return (flags & (RESPONSE | OPCODE | TRUNCATED)) == RESPONSE
                && (rcode == DnsRcode.NOERROR.number() || rcode == DnsRcode.NXDOMAIN.number())
                && DnsCursor.u16(response, 4) == 1
                && Arrays.equals(request, DnsCursor.HEADER_BYTES, end, response, DnsCursor.HEADER_BYTES, end);
    }

    /** How long it may be given again, at least one. */
    public int seconds() {
        return seconds;
    }

    /** How much memory it takes, roughly. */
    public int bytes() {
        return response.length + ttlsAt.length * Integer.BYTES;
    }

    /**
     * The response to a later request.
     *
     * @param id of that request
     * @param ageSeconds for how long it was kept, less than {@link #seconds}
     */
    public byte[] given(int id, int ageSeconds) {
        if (ageSeconds < 0 || ageSeconds >= seconds) {
            throw new IllegalArgumentException("kept for " + ageSeconds + " s of " + seconds);
        }
        byte[] again = DnsExchange.withId(response, id);
        ByteBuffer fields = ByteBuffer.wrap(again);
        for (int at : ttlsAt) {
            fields.putInt(at, fields.getInt(at) - ageSeconds);
        }
        return again;
    }
}
