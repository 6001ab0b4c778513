package io.culvert.protocol.dns;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Reads for how long one response may be kept.
 *
 * <p>Bounds: each byte of the message is looked at a few times at most. Errors: {@link DnsFormatException},
 * also for what is well formed and must not be kept.
 */
final class DnsCacheableReader {
    private static final int CLASS_IN = 1;
    private static final int SIG = 24;
    /** Serial, refresh, retry, expire and minimum, behind the two names of an SOA record. */
    private static final int SOA_NUMBERS = 5;

    private enum Section {
        ANSWER(6),
        AUTHORITY(8),
        ADDITIONAL(10);

        private final int countAt;

        Section(int countAt) {
            this.countAt = countAt;
        }
    }

    private final byte[] response;
    private final DnsCursor cursor;
    private final int asked;
    private int[] ttlsAt = new int[4];
    private int records;
    /** Where the TTL of the SOA record stands that tells how long there is nothing; -1 without one. */
    private int soaAt = -1;

    private int least = DnsCacheable.SECONDS_MAX;
    private int negative = DnsCacheable.NEGATIVE_SECONDS_MAX;
    private boolean answered;
    private boolean edns;

    /**
     * A reader.
     *
     * @param end where the question ends
     * @param asked type of the question
     */
    DnsCacheableReader(byte[] response, int end, int asked) {
        this.response = response;
        this.cursor = new DnsCursor(response, end);
        this.asked = asked;
    }

    @Nullable
    DnsCacheable read() throws DnsFormatException {
        for (Section section : Section.values()) {
            for (int left = DnsCursor.u16(response, section.countAt); left > 0; left--) {
                record(section);
            }
        }
        boolean positive = answered && (DnsCursor.u16(response, 2) & 0xf) == DnsRcode.NOERROR.number();
        // Without an SOA record nobody says how long there is nothing.
        if (!cursor.atEnd() || !positive && soaAt < 0) {
            return null;
        }
        int seconds = positive ? least : Math.min(least, negative);
        return seconds < 1 ? null : new DnsCacheable(kept(positive, seconds), Arrays.copyOf(ttlsAt, records), seconds);
    }

    /**
     * Who is told that there is nothing takes the time from the SOA record, and must not believe it for longer
     * than we do.
     */
    private byte[] kept(boolean positive, int seconds) {
        byte[] kept = response.clone();
        if (!positive) {
            ByteBuffer fields = ByteBuffer.wrap(kept);
            fields.putInt(soaAt, Math.min(fields.getInt(soaAt), seconds));
        }
        return kept;
    }

    private void record(Section section) throws DnsFormatException {
        int ownerAt = cursor.at();
        cursor.skipName();
        boolean root = cursor.at() == ownerAt + 1;
        int type = cursor.u16();
        int dnsClass = cursor.u16();
        int ttlAt = cursor.at();
        int ttl = cursor.i32();
        int length = cursor.u16();
        int dataAt = cursor.at();
        cursor.skip(length);
        if (type == DnsType.OPT) {
            edns(section, root, ttl);
            return;
        }
        if (type == SIG || !DnsType.isOfRecords(type)) {
            throw new DnsFormatException("it is signed for whoever asked");
        }
        lives(ttlAt, ttl);
        answered |= section == Section.ANSWER && type == asked && dnsClass == CLASS_IN;
        if (section == Section.AUTHORITY && type == DnsType.SOA && dnsClass == CLASS_IN) {
            nothing(ttlAt, ttl, dataAt, length);
        }
    }

    /** Its TTL is none: flags, and the upper bits of an rcode that would be another than the header's. */
    private void edns(Section section, boolean root, int ttl) throws DnsFormatException {
        if (section != Section.ADDITIONAL || !root || edns || ttl >>> 24 != 0) {
            throw new DnsFormatException("its EDNS is malformed, or tells of a failure");
        }
        edns = true;
    }

    /** A TTL with the uppermost bit set counts as none. */
    private void lives(int ttlAt, int ttl) {
        if (records == ttlsAt.length) {
            ttlsAt = Arrays.copyOf(ttlsAt, 2 * records);
        }
        ttlsAt[records++] = ttlAt;
        least = Math.min(least, ttl);
    }

    private void nothing(int ttlAt, int ttl, int dataAt, int length) throws DnsFormatException {
        DnsCursor data = new DnsCursor(response, dataAt);
        data.skipName();
        data.skipName();
        data.skip((SOA_NUMBERS - 1) * Integer.BYTES);
        int minimum = data.i32();
        if (data.at() != dataAt + length || soaAt >= 0) {
            throw new DnsFormatException("an SOA record is malformed, or there are several");
        }
        negative = Math.min(negative, Math.min(ttl, minimum));
        soaAt = ttlAt;
    }
}
