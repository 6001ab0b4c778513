package io.culvert.agent.config;

/**
 * What a knob is set to, and by whom.
 *
 * @param knob the knob
 * @param text the value as it was written, empty when nobody said and there is no default
 * @param origin flag, environment variable, {@code file:line}, or {@code default}
 */
public record Setting(Knob knob, String text, String origin) {
    static final String DEFAULT = "default";
    static final String UNSET = "not set";

    /** Whether a flag, a variable or the file said it. */
    public boolean isChosen() {
        return isSet() && !origin.equals(DEFAULT);
    }

    /** False when nobody said and there is no default. */
    public boolean isSet() {
        return !origin.equals(UNSET);
    }
}
