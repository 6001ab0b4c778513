package io.culvert.control.ca;

/**
 * Refuses nested ASN.1 before a recursive decoder sees it: DER has definite lengths, and a signing request is shallow.
 *
 * <p>Bounds: {@link #DEPTH_MAX} levels of constructed values; lengths of at most two octets.
 *
 * <p>Source: X.690 sections 8.1.2, 8.1.3 and 10.1.
 */
final class DerDepth {
    static final int DEPTH_MAX = 16;
    private static final int CONSTRUCTED = 0x20;
    private static final int LONG_TAG = 0x1f;

    private DerDepth() {}

    /** Walks all values once, without recursion. */
    static void require(byte[] der) throws CaException {
        int[] ends = new int[DEPTH_MAX + 1];
        int depth = 0;
        ends[0] = der.length;
        int at = 0;
        while (at < der.length) {
            while (at == ends[depth]) {
                depth--;
            }
            boolean constructed = (der[at] & CONSTRUCTED) != 0;
            if ((der[at] & LONG_TAG) == LONG_TAG || at + 1 >= ends[depth]) {
                throw bad();
            }
            int octets = lengthOctets(der, at + 1, ends[depth]);
            int start = at + 1 + octets;
            int end = start + length(der, at + 1, octets);
            if (end > ends[depth] || constructed && depth == DEPTH_MAX) {
                throw bad();
            }
            if (constructed) {
                ends[++depth] = end;
                at = start;
            } else {
                at = end;
            }
        }
    }

    private static int lengthOctets(byte[] der, int at, int end) throws CaException {
        int octets = switch (der[at] & 0xff) {
            case 0x81 -> 2;
            case 0x82 -> 3;
            default -> der[at] < 0 ? Integer.MAX_VALUE : 1;
        };
        if (octets > end - at) {
            throw bad();
        }
        return octets;
    }

    private static int length(byte[] der, int at, int octets) {
        return switch (octets) {
            case 1 -> der[at];
            case 2 -> der[at + 1] & 0xff;
            default -> (der[at + 1] & 0xff) << 8 | der[at + 2] & 0xff;
        };
    }

    private static CaException bad() {
        return new CaException(
                CaException.Code.BAD_REQUEST,
                "the signing request is refused: it is not DER, or nested deeper than " + DEPTH_MAX + " levels");
    }
}
