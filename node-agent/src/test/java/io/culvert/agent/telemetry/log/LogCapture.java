package io.culvert.agent.telemetry.log;

import java.util.HashMap;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** Hands a logger's entries with their fields to a test instead of the log. */
public final class LogCapture extends Handler implements AutoCloseable {
    private final Logger logger;
    private final BiConsumer<String, Map<String, String>> taker;

    private LogCapture(Logger logger, BiConsumer<String, Map<String, String>> taker) {
        this.logger = logger;
        this.taker = taker;
    }

    /** Captures all levels of a logger until closed; the taker gets message and fields. */
    public static LogCapture of(String name, BiConsumer<String, Map<String, String>> taker) {
        LogCapture capture = new LogCapture(Logger.getLogger(name), taker);
        capture.logger.setLevel(Level.ALL);
        capture.logger.setUseParentHandlers(false);
        capture.logger.addHandler(capture);
        return capture;
    }

    @Override
    public void publish(LogRecord entry) {
        Map<String, String> fields = new HashMap<>();
        FieldRecord.fieldsOf(entry).writeTo(new FieldSink() {
            @Override
            public void text(String key, String value) {
                fields.put(key, value);
            }

            @Override
            public void plain(String key, String value) {
                fields.put(key, value);
            }

            @Override
            public void number(String key, long value) {
                fields.put(key, Long.toString(value));
            }
        });
        taker.accept(entry.getMessage(), fields);
    }

    @Override
    public void flush() {
        // Nothing is kept.
    }

    @Override
    public void close() {
        logger.removeHandler(this);
        logger.setUseParentHandlers(true);
        logger.setLevel(null);
    }
}
