package io.culvert.agent.telemetry.log;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.text.MessageFormat;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import org.jspecify.annotations.Nullable;

/**
 * Turns log entries into lines.
 *
 * <p>Bounds: a message or field of more than 8,192 characters is cut. Control characters are escaped, so that no peer's
 * text can make a line of its own.
 */
abstract sealed class LineFormat permits PlainLines, JsonLines {
    private static final int TEXT_LENGTH_MAX = 8_192;
    private static final String OWN_PREFIX = "io.culvert.agent.";
    private static final String PROJECT_PREFIX = "io.culvert.";
    private static final DateTimeFormatter MICROSECONDS = DateTimeFormatter.ofPattern(
                    "uuuu-MM-dd'T'HH:mm:ss.SSSSSS'Z'", Locale.ROOT)
            .withZone(ZoneOffset.UTC);

    /** Appends the entry and a line feed. */
    abstract void append(LogRecord entry, StringBuilder out);

    static String time(Instant instant) {
        return MICROSECONDS.format(instant);
    }

    static String level(Level level) {
        int value = level.intValue();
        if (value >= Level.SEVERE.intValue()) {
            return "error";
        }
        if (value >= Level.WARNING.intValue()) {
            return "warn";
        }
        if (value >= Level.INFO.intValue()) {
            return "info";
        }
        return value >= Level.FINE.intValue() ? "debug" : "trace";
    }

    static String scope(@Nullable String logger) {
        if (logger == null || logger.isEmpty()) {
            return "culvert";
        }
        if (logger.startsWith(OWN_PREFIX)) {
            return logger.substring(OWN_PREFIX.length());
        }
        return logger.startsWith(PROJECT_PREFIX) ? logger.substring(PROJECT_PREFIX.length()) : logger;
    }

    static String message(LogRecord entry) {
        String message = entry.getMessage();
        Object[] parameters = entry.getParameters();
        if (message == null) {
            return "";
        }
        if (parameters == null || parameters.length == 0 || message.indexOf('{') < 0) {
            return message;
        }
        try {
            return new MessageFormat(message, Locale.ROOT).format(parameters);
        } catch (IllegalArgumentException e) {
            return message;
        }
    }

    static @Nullable String stack(LogRecord entry) {
        Throwable thrown = entry.getThrown();
        if (thrown == null) {
            return null;
        }
        StringWriter text = new StringWriter();
        thrown.printStackTrace(new PrintWriter(text));
        return text.toString().strip();
    }

    /** Appends the text with what could break a line or its quotes escaped, as JSON escapes it. */
    static void escape(String text, StringBuilder out) {
        int length = Math.min(text.length(), TEXT_LENGTH_MAX);
        for (int i = 0; i < length; i++) {
            escape(text.charAt(i), out);
        }
        if (length < text.length()) {
            out.append("...");
        }
    }

    private static void escape(char c, StringBuilder out) {
        switch (c) {
            case '"' -> out.append("\\\"");
            case '\\' -> out.append("\\\\");
            case '\n' -> out.append("\\n");
            case '\r' -> out.append("\\r");
            case '\t' -> out.append("\\t");
            default -> {
                if (c < 0x20 || c >= 0x7f && c < 0xa0 || c == '\u2028' || c == '\u2029' || Character.isSurrogate(c)) {
                    unicode(c, out);
                } else {
                    out.append(c);
                }
            }
        }
    }

    private static void unicode(char c, StringBuilder out) {
        out.append("\\u");
        for (int shift = 12; shift >= 0; shift -= 4) {
            out.append(Character.forDigit(c >> shift & 0xf, 16));
        }
    }
}
