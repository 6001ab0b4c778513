package io.culvert.shim;

/**
 * An address and port that a call fills in, reused from call to call.
 *
 * <p>The address is 128 bits in network order, {@code high} first; IPv4 is in its mapped form {@code ::ffff:a.b.c.d}.
 * Runs on: one thread at a time.
 */
public final class Address {
    private long high;
    private long low;
    private int port;

    public long high() {
        return high;
    }

    public long low() {
        return low;
    }

    public int port() {
        return port;
    }

    public boolean isV4() {
        return isV4(high, low);
    }

    public void set(long newHigh, long newLow, int newPort) {
        this.high = newHigh;
        this.low = newLow;
        this.port = newPort;
    }

    /** Whether 128 bits are an IPv4 address in mapped form. */
    public static boolean isV4(long high, long low) {
        return high == 0 && low >>> 32 == 0xffff;
    }

    /** The low half of an IPv4 address in mapped form; its high half is 0. */
    public static long v4Low(int address) {
        return 0xffff_0000_0000L | Integer.toUnsignedLong(address);
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(48);
        if (isV4()) {
            for (int shift = 24; shift >= 0; shift -= 8) {
                text.append(low >>> shift & 0xff).append(shift == 0 ? ':' : '.');
            }
            return text.append(port).toString();
        }
        text.append('[');
        for (int group = 0; group < 8; group++) {
            long half = group < 4 ? high : low;
            text.append(Long.toHexString(half >>> (48 - 16 * (group & 3)) & 0xffff))
                    .append(group == 7 ? ']' : ':');
        }
        return text.append(':').append(port).toString();
    }
}
