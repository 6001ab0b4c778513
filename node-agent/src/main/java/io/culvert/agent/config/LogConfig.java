package io.culvert.agent.config;

/**
 * What is logged, and how.
 *
 * @param filter levels, for everything and per target
 * @param format text or JSON
 * @param policyDecisions whether decisions of policies are worth telling rather than a detail
 */
public record LogConfig(LogFilter filter, Format format, boolean policyDecisions) {
    /** Where decisions of policies are a detail. */
    public LogConfig(LogFilter filter, Format format) {
        this(filter, format, false);
    }

    /** How an entry is written. */
    public enum Format {
        PLAIN,
        JSON
    }
}
