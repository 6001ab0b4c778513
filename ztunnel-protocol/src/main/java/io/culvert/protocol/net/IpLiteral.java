package io.culvert.protocol.net;

/** Text of IP addresses: a strict parser that never resolves names, and the RFC 5952 form. */
final class IpLiteral {
    private static final int TEXT_LENGTH_MAX = 45;

    private IpLiteral() {}

    static IpAddress parse(String text) {
        if (text.isEmpty() || text.length() > TEXT_LENGTH_MAX) {
            throw bad(text);
        }
        return text.indexOf(':') < 0 ? IpAddress.ofV4(quad(text, 0, text.length())) : v6(text);
    }

    private static IpAddress v6(String text) {
        int gap = text.indexOf("::");
        if (gap >= 0 && text.indexOf("::", gap + 1) >= 0) {
            throw bad(text);
        }
        int[] groups = new int[8];
        if (gap < 0) {
            if (groups(text, 0, text.length(), groups, 0) != 8) {
                throw bad(text);
            }
        } else {
            int before = groups(text, 0, gap, groups, 0);
            int[] tail = new int[8];
            int after = groups(text, gap + 2, text.length(), tail, 0);
            if (before + after > 7) {
                throw bad(text);
            }
            System.arraycopy(tail, 0, groups, 8 - after, after);
        }
        return new IpAddress(pack(groups, 0), pack(groups, 4));
    }

    /** Reads colon-separated groups, the text's last of which may be a dotted quad; returns how many there were. */
    private static int groups(String text, int from, int to, int[] into, int count) {
        int at = from;
        int found = count;
        while (at < to) {
            int colon = text.indexOf(':', at);
            int end = colon < 0 || colon > to ? to : colon;
            boolean last = end == to;
            if (last && end == text.length() && text.indexOf('.', at) >= 0) {
                if (found > 6) {
                    throw bad(text);
                }
                int quad = quad(text, at, end);
                into[found++] = quad >>> 16;
                into[found++] = quad & 0xffff;
                return found;
            }
            if (found == 8 || (!last && end + 1 == to)) {
                throw bad(text);
            }
            into[found++] = hexGroup(text, at, end);
            at = end + 1;
        }
        return found;
    }

    private static int hexGroup(String text, int from, int to) {
        if (from == to || to - from > 4) {
            throw bad(text);
        }
        int value = 0;
        for (int i = from; i < to; i++) {
            char c = text.charAt(i);
            int digit = c < 128 ? Character.digit(c, 16) : -1;
            if (digit < 0) {
                throw bad(text);
            }
            value = value << 4 | digit;
        }
        return value;
    }

    private static int quad(String text, int from, int to) {
        int value = 0;
        int at = from;
        for (int part = 0; part < 4; part++) {
            int dot = part < 3 ? text.indexOf('.', at) : to;
            if (dot < 0 || dot > to) {
                throw bad(text);
            }
            value = value << 8 | octet(text, at, dot);
            at = dot + 1;
        }
        return value;
    }

    private static int octet(String text, int from, int to) {
        int length = to - from;
        if (length < 1 || length > 3 || (length > 1 && text.charAt(from) == '0')) {
            throw bad(text);
        }
        int value = 0;
        for (int i = from; i < to; i++) {
            char c = text.charAt(i);
            if (c < '0' || c > '9') {
                throw bad(text);
            }
            value = value * 10 + (c - '0');
        }
        if (value > 255) {
            throw bad(text);
        }
        return value;
    }

    private static long pack(int[] groups, int from) {
        return (long) groups[from] << 48
                | (long) groups[from + 1] << 32
                | (long) groups[from + 2] << 16
                | groups[from + 3];
    }

    static String format(IpAddress address) {
        StringBuilder out = new StringBuilder(TEXT_LENGTH_MAX);
        if (address.isV4()) {
            int bits = (int) address.low();
            return out.append(bits >>> 24)
                    .append('.')
                    .append(bits >>> 16 & 0xff)
                    .append('.')
                    .append(bits >>> 8 & 0xff)
                    .append('.')
                    .append(bits & 0xff)
                    .toString();
        }
        int[] groups = new int[8];
        for (int i = 0; i < 8; i++) {
            long half = i < 4 ? address.high() : address.low();
            groups[i] = (int) (half >>> (16 * (3 - i % 4))) & 0xffff;
        }
        int[] run = longestZeroRun(groups);
        for (int i = 0; i < 8; i++) {
            if (i == run[0]) {
                out.append(i == 0 ? "::" : ":");
                i += run[1] - 1;
                continue;
            }
            out.append(Integer.toHexString(groups[i]));
            if (i < 7) {
                out.append(':');
            }
        }
        return out.toString();
    }

    /** The start and length of the first longest run of two or more zero groups; start -1 when there is none. */
    private static int[] longestZeroRun(int[] groups) {
        int bestStart = -1;
        int bestLength = 1;
        int length = 0;
        for (int i = 0; i < 8; i++) {
            length = groups[i] == 0 ? length + 1 : 0;
            if (length > bestLength) {
                bestLength = length;
                bestStart = i - length + 1;
            }
        }
        return new int[] {bestStart, bestLength};
    }

    private static IllegalArgumentException bad(String text) {
        String shown = text.length() > TEXT_LENGTH_MAX ? text.substring(0, TEXT_LENGTH_MAX) + "..." : text;
        return new IllegalArgumentException("not an IP address: '" + shown + "'");
    }
}
