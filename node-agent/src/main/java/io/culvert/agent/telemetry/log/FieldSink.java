package io.culvert.agent.telemetry.log;

/** Takes the fields of a log entry, in order. */
public interface FieldSink {
    /** A text, quoted where the format quotes. */
    void text(String key, String value);

    /** A text of the agent's own that needs no quotes for people to read it, such as an address. */
    void plain(String key, String value);

    void number(String key, long value);
}
