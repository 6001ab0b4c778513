package io.culvert.agent.admin;

import java.util.Locale;

/** Spells constants as JSON readers expect them. */
final class Words {
    private Words() {}

    /** {@code WORKLOAD_SELECTOR} as {@code WorkloadSelector}. */
    static String pascal(Enum<?> constant) {
        StringBuilder out = new StringBuilder();
        for (String word : constant.name().split("_")) {
            out.append(word.charAt(0)).append(word.substring(1).toLowerCase(Locale.ROOT));
        }
        return out.toString();
    }

    static String lower(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }
}
