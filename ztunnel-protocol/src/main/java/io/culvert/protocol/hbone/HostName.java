package io.culvert.protocol.hbone;

/** Which texts are host names, and not addresses in disguise. */
final class HostName {
    private static final int CHARS_MAX = 253;
    private static final int LABEL_CHARS_MAX = 63;

    private HostName() {}

    /**
     * Says whether the text consists of dot-separated labels of letters, digits, hyphens and underscores. A last label
     * that begins with a digit and holds only digits, or a hexadecimal number, would be an address to some resolvers, so
     * it is none.
     */
    static boolean isValid(String text) {
        if (text.isEmpty() || text.length() > CHARS_MAX) {
            return false;
        }
        int labelStart = 0;
        for (int i = 0; i <= text.length(); i++) {
            if (i == text.length() || text.charAt(i) == '.') {
                if (i == labelStart || i - labelStart > LABEL_CHARS_MAX) {
                    return false;
                }
                if (i < text.length()) {
                    labelStart = i + 1;
                }
            } else if (!isLabelChar(text.charAt(i))) {
                return false;
            }
        }
        return !isNumber(text, labelStart);
    }

    private static boolean isLabelChar(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_';
    }

    private static boolean isNumber(String text, int from) {
        boolean hexadecimal = text.regionMatches(true, from, "0x", 0, 2);
        for (int i = hexadecimal ? from + 2 : from; i < text.length(); i++) {
            if (Character.digit(text.charAt(i), hexadecimal ? 16 : 10) < 0) {
                return false;
            }
        }
        return true;
    }
}
