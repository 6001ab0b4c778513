package io.culvert.protocol.net;

/**
 * An IPv4 or IPv6 address as one 128-bit value; IPv4 is held in its v4-mapped form, so that both spellings of one
 * address are equal.
 *
 * <p>Bounds: none beyond the 128 bits; scope ids are not carried.
 *
 * <p>Source: RFC 4291 section 2.5.5.2.
 *
 * @param high bits 127..64
 * @param low bits 63..0
 */
public record IpAddress(long high, long low) implements Comparable<IpAddress> {
    private static final long MAPPED_PREFIX = 0xffff_0000_0000L;
    public static final IpAddress V6_ANY = new IpAddress(0, 0);
    public static final IpAddress V6_LOOPBACK = new IpAddress(0, 1);
    public static final IpAddress V4_ANY = ofV4(0);
    public static final IpAddress V4_LOOPBACK = ofV4(0x7f000001);

    /** From the 32 bits of an IPv4 address in network order, as an int. */
    public static IpAddress ofV4(int bits) {
        return new IpAddress(0, MAPPED_PREFIX | (bits & 0xffff_ffffL));
    }

    /**
     * From 4 or 16 bytes in network order.
     *
     * <p>Errors: {@link IllegalArgumentException} for any other length.
     */
    public static IpAddress ofBytes(byte[] bytes) {
        return switch (bytes.length) {
            case 4 -> ofV4((int) read(bytes, 0, 4));
            case 16 -> new IpAddress(read(bytes, 0, 8), read(bytes, 8, 8));
            default -> throw new IllegalArgumentException("an address has 4 or 16 bytes, not " + bytes.length);
        };
    }

    /**
     * Parses an IP literal: dotted quad, or IPv6 without brackets and without zone.
     *
     * <p>Errors: {@link IllegalArgumentException} when the text is no such literal; no name is ever resolved.
     */
    public static IpAddress parse(String text) {
        return IpLiteral.parse(text);
    }

    public boolean isV4() {
        return high == 0 && (low >>> 32) == 0xffff;
    }

    public boolean isLoopback() {
        return isV4() ? (low & 0xff00_0000L) == 0x7f00_0000L : high == 0 && low == 1;
    }

    public boolean isUnspecified() {
        return high == 0 && (low == 0 || low == MAPPED_PREFIX);
    }

    /** The 4 or 16 bytes in network order. */
    public byte[] toBytes() {
        byte[] bytes = new byte[isV4() ? 4 : 16];
        for (int i = 0; i < bytes.length; i++) {
            int fromEnd = bytes.length - 1 - i;
            bytes[i] = (byte) (fromEnd >= 8 ? high >>> (8 * (fromEnd - 8)) : low >>> (8 * fromEnd));
        }
        return bytes;
    }

    private static long read(byte[] bytes, int from, int count) {
        long value = 0;
        for (int i = from; i < from + count; i++) {
            value = value << 8 | (bytes[i] & 0xff);
        }
        return value;
    }

    @Override
    public int compareTo(IpAddress other) {
        int byHigh = Long.compareUnsigned(high, other.high);
        return byHigh != 0 ? byHigh : Long.compareUnsigned(low, other.low);
    }

    /** The canonical text of RFC 5952, without brackets. */
    @Override
    public String toString() {
        return IpLiteral.format(this);
    }
}
