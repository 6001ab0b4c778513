package io.culvert.protocol.net;

/**
 * A prefix of IPv4 or IPv6 addresses.
 *
 * <p>Errors: {@link IllegalArgumentException} when the length does not fit the family.
 *
 * @param network an address inside the prefix; host bits are ignored
 * @param length 0..32 for IPv4, 0..128 for IPv6, as written by users
 */
public record Cidr(IpAddress network, int length) {
    public Cidr {
        int longest = network.isV4() ? 32 : 128;
        if (length < 0 || length > longest) {
            throw new IllegalArgumentException("prefix length " + length + " is not within 0.." + longest);
        }
    }

    /** Parses {@code address/length}, or a bare address as the prefix that holds only it. */
    public static Cidr parse(String text) {
        int slash = text.indexOf('/');
        if (slash < 0) {
            IpAddress ip = IpAddress.parse(text);
            return new Cidr(ip, ip.isV4() ? 32 : 128);
        }
        String length = text.substring(slash + 1);
        if (length.isEmpty() || length.length() > 3 || !length.chars().allMatch(c -> c >= '0' && c <= '9')) {
            throw new IllegalArgumentException("not a prefix length: '" + length + "'");
        }
        return new Cidr(IpAddress.parse(text.substring(0, slash)), Integer.parseInt(length));
    }

    /** An IPv4 prefix never contains an IPv6 address, nor the other way round, not even {@code ::/0}. */
    public boolean contains(IpAddress ip) {
        if (ip.isV4() != network.isV4()) {
            return false;
        }
        int bits = network.isV4() ? length + 96 : length;
        return sameBits(ip.high(), network.high(), Math.min(bits, 64))
                && sameBits(ip.low(), network.low(), Math.max(bits - 64, 0));
    }

    /** True when it holds one address only. */
    public boolean isSingle() {
        return length == (network.isV4() ? 32 : 128);
    }

    private static boolean sameBits(long a, long b, int bits) {
        return bits == 0 || (a ^ b) >>> (64 - bits) == 0;
    }

    @Override
    public String toString() {
        return network + "/" + length;
    }
}
