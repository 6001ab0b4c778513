package io.culvert.protocol.hbone.hpack;

/**
 * Decodes the fixed Huffman code of HPACK four bits at a time.
 *
 * <p>The code is canonical (sorted by length, then by symbol), so the lengths alone define it. Each inner node of its
 * tree is a state; one table entry per state and nibble says which state follows and which symbol, if any, came out.
 *
 * <p>Source: RFC 7541, section 5.2 and Appendix B.
 */
final class Huffman {
    private static final int EOS = 256;
    private static final int SYMBOLS = 257;

    private static final byte[] LENGTHS = {
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
        28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
        6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
        5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
        13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
        7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
        6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
        20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
        24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
        22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
        21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
        26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
        19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
        20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
        26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
        30,
    };

    /** Entry layout: bits 0-7 symbol, bit 8 a symbol came out, bit 9 the code is broken, bits 10 up the next state. */
    private static final int EMITS = 1 << 8;

    private static final int BROKEN = 1 << 9;
    private static final int STATE_SHIFT = 10;

    private static final short[][] TREE = tree();
    private static final int[] STEPS = steps(TREE);
    /** States in which a string may end: fewer than eight ones since the last symbol. */
    private static final boolean[] MAY_END = mayEnd(TREE);

    private Huffman() {}

    /** Returns the most octets that {@code encodedBytes} can decode to: the shortest code has five bits. */
    static int decodedBytesMax(int encodedBytes) {
        return (int) (encodedBytes * 8L / 5);
    }

    /** Decodes {@code in[from, to)} into {@code out} and returns how many octets came out. */
    static int decode(byte[] in, int from, int to, byte[] out) throws HpackException {
        int state = 0;
        int length = 0;
        for (int i = from; i < to; i++) {
            int high = STEPS[state << 4 | in[i] >> 4 & 0xF];
            int low = STEPS[high >>> STATE_SHIFT << 4 | in[i] & 0xF];
            if (((high | low) & BROKEN) != 0) {
                throw new HpackException("Huffman string contains the end-of-string code");
            }
            if ((high & EMITS) != 0) {
                out[length++] = (byte) high;
            }
            if ((low & EMITS) != 0) {
                out[length++] = (byte) low;
            }
            state = low >>> STATE_SHIFT;
        }
        if (!MAY_END[state]) {
            throw new HpackException("Huffman string is not padded with up to seven ones");
        }
        return length;
    }

    /** Each inner node holds two children: a value >= 0 is an inner node, -1 - symbol is a leaf. */
    private static short[][] tree() {
        short[][] nodes = new short[SYMBOLS - 1][2];
        int used = 1;
        int code = 0;
        int lengthBefore = 0;
        for (int length = 1; length <= 30; length++) {
            for (int symbol = 0; symbol < SYMBOLS; symbol++) {
                if (LENGTHS[symbol] == length) {
                    code <<= length - lengthBefore;
                    lengthBefore = length;
                    used = insert(nodes, used, code++, length, symbol);
                }
            }
        }
        return nodes;
    }

    private static int insert(short[][] nodes, int usedBefore, int code, int length, int symbol) {
        int used = usedBefore;
        int node = 0;
        for (int bit = length - 1; bit > 0; bit--) {
            int side = code >> bit & 1;
            if (nodes[node][side] == 0) {
                nodes[node][side] = (short) used++;
            }
            node = nodes[node][side];
        }
        nodes[node][code & 1] = (short) (-1 - symbol);
        return used;
    }

    private static int[] steps(short[][] nodes) {
        int[] steps = new int[nodes.length << 4];
        for (int state = 0; state < nodes.length; state++) {
            for (int nibble = 0; nibble < 16; nibble++) {
                steps[state << 4 | nibble] = step(nodes, state, nibble);
            }
        }
        return steps;
    }

    private static int step(short[][] nodes, int state, int nibble) {
        int node = state;
        int entry = 0;
        for (int bit = 3; bit >= 0; bit--) {
            int next = nodes[node][nibble >> bit & 1];
            if (next >= 0) {
                node = next;
            } else if (-1 - next == EOS) {
                return BROKEN;
            } else {
                entry = EMITS | -1 - next;
                node = 0;
            }
        }
        return entry | node << STATE_SHIFT;
    }

    private static boolean[] mayEnd(short[][] nodes) {
        boolean[] may = new boolean[nodes.length];
        int node = 0;
        for (int ones = 0; ones <= 7; ones++) {
            may[node] = true;
            node = nodes[node][1];
        }
        return may;
    }
}
