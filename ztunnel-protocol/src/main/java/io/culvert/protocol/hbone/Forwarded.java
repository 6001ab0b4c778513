package io.culvert.protocol.hbone;

import org.jspecify.annotations.Nullable;

/**
 * For whom a connection is carried and to which service it was meant to go; for telemetry only.
 *
 * <p>The text is {@code for="address:port"}, then {@code ;host=name} when a service was meant. Reading takes the first
 * part of each name, drops one quote at either end, and passes over what is no host name or too long.
 *
 * @param source the client's {@code address:port}, v6 in brackets; empty when unknown
 * @param host the service's host name; empty when none
 */
public record Forwarded(String source, String host) {
    public static final Forwarded EMPTY = new Forwarded("", "");
    private static final int SOURCE_CHARS_MAX = 64;

    /** Returns the header's value. */
    public String format() {
        String quoted = "for=\"" + source + "\"";
        return HostName.isValid(host) ? quoted + ";host=" + host : quoted;
    }

    /** Reads a header's value. */
    public static Forwarded parse(@Nullable String text) {
        if (text == null || text.length() > ConnectRequest.FORWARDED_CHARS_MAX) {
            return EMPTY;
        }
        String source = part(text, "for=");
        String host = part(text, "host=");
        return new Forwarded(isSource(source) ? source : "", HostName.isValid(host) ? host : "");
    }

    private static String part(String text, String name) {
        int from = 0;
        while (from < text.length()) {
            int semicolon = text.indexOf(';', from);
            int to = semicolon < 0 ? text.length() : semicolon;
            String part = text.substring(from, to).strip();
            if (part.startsWith(name)) {
                return unquote(part.substring(name.length()));
            }
            from = to + 1;
        }
        return "";
    }

    private static String unquote(String value) {
        int from = value.startsWith("\"") ? 1 : 0;
        int to = value.length() > from && value.endsWith("\"") ? value.length() - 1 : value.length();
        return value.substring(from, to);
    }

    private static boolean isSource(String source) {
        for (int i = 0; i < source.length(); i++) {
            char c = source.charAt(i);
            if (c <= ' ' || c >= 0x7F || c == '"' || c == ',') {
                return false;
            }
        }
        return source.length() <= SOURCE_CHARS_MAX;
    }
}
