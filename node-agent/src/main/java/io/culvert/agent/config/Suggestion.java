package io.culvert.agent.config;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/** Finds what somebody meant who mistyped a name. */
final class Suggestion {
    private static final int TYPED_LENGTH_MAX = 80;
    private static final int EDITS_MAX = 4;

    private Suggestion() {}

    /** The known name within a few edits of what was typed, the nearest first. */
    static Optional<String> nearest(String typed, Collection<String> known) {
        if (typed.length() > TYPED_LENGTH_MAX) {
            return Optional.empty();
        }
        return known.stream()
                .filter(name -> edits(typed, name) <= Math.min(EDITS_MAX, name.length() / 3))
                .min(Comparator.<String>comparingInt(name -> edits(typed, name)).thenComparing(name -> name));
    }

    /** Levenshtein distance. */
    static int edits(String from, String to) {
        int[] row = new int[to.length() + 1];
        for (int j = 0; j <= to.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= from.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= to.length(); j++) {
                int substituted = diagonal + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(substituted, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[to.length()];
    }
}
