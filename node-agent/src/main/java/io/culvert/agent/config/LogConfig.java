package io.culvert.agent.config;

/**
 * What is logged, and how.
 *
 * @param filter levels, for everything and per target
 * @param format text or JSON
 */
public record LogConfig(LogFilter filter, Format format) {
    /** How an entry is written. */
    public enum Format {
        PLAIN,
        JSON
    }
}
