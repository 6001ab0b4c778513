package io.culvert.protocol.hbone;

import org.jspecify.annotations.Nullable;

/** Which texts may stand in a header field (RFC 9113, section 8.2.1). */
final class FieldText {
    private FieldText() {}

    /** Says whether a name is lower case and has only the characters of a token. */
    static boolean isName(String name) {
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            boolean upper = c >= 'A' && c <= 'Z';
            if (upper || c <= ' ' || c >= 0x7F || "\"(),/:;<=>?@[\\]{}".indexOf(c) >= 0) {
                return false;
            }
        }
        return !name.isEmpty();
    }

    /** Says whether a value has no control characters and no blank at either end. */
    static boolean isValue(String value) {
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c < ' ' && c != '\t' || c == 0x7F || c > 0xFF) {
                return false;
            }
        }
        return value.isEmpty() || !isBlank(value.charAt(0)) && !isBlank(value.charAt(value.length() - 1));
    }

    /** Refuses a value that we would send and that is too long or breaks the rules. */
    static void check(String name, @Nullable String value, int charsMax) {
        if (value != null && (value.length() > charsMax || !isValue(value))) {
            throw new IllegalArgumentException(name + " is longer than " + charsMax + " or not a header value");
        }
    }

    private static boolean isBlank(char c) {
        return c == ' ' || c == '\t';
    }
}
