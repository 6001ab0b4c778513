package io.culvert.agent.telemetry.log;

import java.util.logging.LogRecord;

/** Lines for people: time, level, scope, message and fields, with tabs between them. */
final class PlainLines extends LineFormat {
    @Override
    void append(LogRecord entry, StringBuilder out) {
        out.append(time(entry.getInstant())).append('\t');
        out.append(level(entry.getLevel())).append('\t');
        out.append(scope(entry.getLoggerName())).append('\t');
        message(message(entry), out);
        FieldRecord.fieldsOf(entry).writeTo(new Fields(out));
        String stack = stack(entry);
        if (stack != null) {
            stack.lines().forEach(line -> message(line.strip(), out.append("\n    ")));
        }
        out.append('\n');
    }

    /** A message is not quoted, so its quotes stay as they are. */
    private static void message(String text, StringBuilder out) {
        StringBuilder escaped = new StringBuilder(text.length());
        escape(text, escaped);
        int at = 0;
        while (at < escaped.length()) {
            boolean quote = escaped.charAt(at) == '\\'
                    && at + 1 < escaped.length()
                    && (escaped.charAt(at + 1) == '"' || escaped.charAt(at + 1) == '\\');
            out.append(escaped.charAt(quote ? at + 1 : at));
            at += quote ? 2 : 1;
        }
    }

    private static final class Fields implements FieldSink {
        private final StringBuilder out;
        private char separator = '\t';

        Fields(StringBuilder out) {
            this.out = out;
        }

        @Override
        public void text(String key, String value) {
            escape(value, key(key).append('"'));
            out.append('"');
        }

        @Override
        public void plain(String key, String value) {
            escape(value, key(key));
        }

        @Override
        public void number(String key, long value) {
            key(key).append(value);
        }

        private StringBuilder key(String key) {
            out.append(separator).append(key).append('=');
            separator = ' ';
            return out;
        }
    }
}
