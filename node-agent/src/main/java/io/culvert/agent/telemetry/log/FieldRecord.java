package io.culvert.agent.telemetry.log;

import java.util.logging.Level;
import java.util.logging.LogRecord;

/** A log entry with fields. */
public final class FieldRecord extends LogRecord {
    private static final long serialVersionUID = 1L;
    private final transient LogFields fields;

    public FieldRecord(Level level, String logger, String message, LogFields fields) {
        super(level, message);
        setLoggerName(logger);
        this.fields = fields;
    }

    static LogFields fieldsOf(LogRecord entry) {
        return entry instanceof FieldRecord structured ? structured.fields : LogFields.NONE;
    }
}
