package io.culvert.agent.config;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** One row of the table of knobs, built up by name so that a row reads as a sentence. */
record KnobSpec(
        KnobType type,
        String flag,
        String fileKey,
        List<String> environment,
        List<String> choices,
        @Nullable String defaultText,
        @Nullable String minimum,
        @Nullable String maximum,
        Stability stability,
        String doc) {
    static KnobSpec row(KnobType type, String flag, String fileKey, String... environment) {
        return new KnobSpec(
                type, flag, fileKey, List.of(environment), List.of(), null, null, null, Stability.STABLE, "");
    }

    KnobSpec choices(String... words) {
        return new KnobSpec(
                type, flag, fileKey, environment, List.of(words), defaultText, minimum, maximum, stability, doc);
    }

    KnobSpec byDefault(String text) {
        return new KnobSpec(type, flag, fileKey, environment, choices, text, minimum, maximum, stability, doc);
    }

    KnobSpec within(String smallest, String largest) {
        return new KnobSpec(type, flag, fileKey, environment, choices, defaultText, smallest, largest, stability, doc);
    }

    KnobSpec experimental() {
        return new KnobSpec(
                type, flag, fileKey, environment, choices, defaultText, minimum, maximum, Stability.EXPERIMENTAL, doc);
    }

    KnobSpec means(String sentence) {
        return new KnobSpec(
                type, flag, fileKey, environment, choices, defaultText, minimum, maximum, stability, sentence);
    }
}
