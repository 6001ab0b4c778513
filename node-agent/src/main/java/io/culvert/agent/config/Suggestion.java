package io.culvert.agent.config;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/** Finds what somebody meant who mistyped a name. */
public final class Suggestion {
    private static final int TYPED_LENGTH_MAX = 80;
    private static final int EDITS_MAX = 4;

    private Suggestion() {}

    /** The known name within a few edits of what was typed, the nearest first. */
    public static Optional<String> nearest(String typed, Collection<String> known) {
        if (typed.length() > TYPED_LENGTH_MAX) {
            return Optional.empty();
        }
        return known.stream()
                .filter(name -> edits(typed, name) <= Math.clamp(name.length() / 3, 1, EDITS_MAX))
                .min(Comparator.<String>comparingInt(name -> edits(typed, name)).thenComparing(name -> name));
    }

    /** How many letters are wrong, missing, too many, or swapped with their neighbours. */
    static int edits(String from, String to) {
        int[][] table = new int[from.length() + 1][to.length() + 1];
        for (int i = 0; i <= from.length(); i++) {
            for (int j = 0; j <= to.length(); j++) {
                table[i][j] = i == 0 || j == 0 ? i + j : step(from, to, table, i, j);
            }
        }
        return table[from.length()][to.length()];
    }

    private static int step(String from, String to, int[][] table, int i, int j) {
        int substituted = table[i - 1][j - 1] + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
        int fewest = Math.min(substituted, 1 + Math.min(table[i - 1][j], table[i][j - 1]));
        boolean swapped =
                i > 1 && j > 1 && from.charAt(i - 1) == to.charAt(j - 2) && from.charAt(i - 2) == to.charAt(j - 1);
        return swapped ? Math.min(fewest, table[i - 2][j - 2] + 1) : fewest;
    }
}
