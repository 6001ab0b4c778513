package io.culvert.agent.telemetry.log;

import java.util.logging.LogRecord;

/** Lines for machines: one JSON object each, fields flat beside level, time, scope and message. */
final class JsonLines extends LineFormat {
    @Override
    void append(LogRecord entry, StringBuilder out) {
        Fields fields = new Fields(out);
        out.append('{');
        fields.text("level", level(entry.getLevel()));
        fields.text("time", time(entry.getInstant()));
        fields.text("scope", scope(entry.getLoggerName()));
        fields.text("message", message(entry));
        FieldRecord.fieldsOf(entry).writeTo(fields);
        String stack = stack(entry);
        if (stack != null) {
            fields.text("stack", stack);
        }
        out.append("}\n");
    }

    private static final class Fields implements FieldSink {
        private final StringBuilder out;
        private boolean first = true;

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
            text(key, value);
        }

        @Override
        public void number(String key, long value) {
            key(key).append(value);
        }

        private StringBuilder key(String key) {
            out.append(first ? "\"" : ",\"").append(key).append("\":");
            first = false;
            return out;
        }
    }
}
