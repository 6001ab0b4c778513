package io.culvert.agent.telemetry.log;

/**
 * The fields of a log entry, read on the log's own thread after the entry was handed over; so they must not change any
 * more.
 */
@FunctionalInterface
public interface LogFields {
    LogFields NONE = sink -> {};

    /** Gives each field to the sink. */
    void writeTo(FieldSink sink);
}
