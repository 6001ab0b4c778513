package io.culvert.agent.config;

/**
 * One thing that is wrong with the configuration.
 *
 * @param field the dotted key, or what stands in for it
 * @param where flag, environment variable or {@code file:line}
 * @param what what is wrong, and what to write instead
 */
public record ConfigProblem(String field, String where, String what) {
    static ConfigProblem of(Setting setting, String what) {
        return new ConfigProblem(setting.knob().fileKey(), setting.origin(), what);
    }

    @Override
    public String toString() {
        return field + " (" + where + "): " + what;
    }
}
