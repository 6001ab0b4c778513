package io.culvert.agent.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which log entries are written: a level for everything, and levels for single targets.
 *
 * <p>Written as {@code info,access=debug,proxy=trace}; a target alone stands for all of its entries, unless it could be a
 * misspelt level.
 *
 * <p>Bounds: 4,096 characters, 64 targets.
 *
 * @param level for everything without a target of its own
 * @param targets by target, dots between its parts
 */
public record LogFilter(Level level, Map<String, Level> targets) {
    public static final LogFilter INFO = new LogFilter(Level.INFO, Map.of());
    private static final int TEXT_LENGTH_MAX = 4_096;
    private static final int TARGETS_MAX = 64;
    /** What other programs call their levels. */
    private static final Map<String, String> OTHER_WORDS =
            Map.of("warning", "WARN", "information", "INFO", "verbose", "DEBUG", "none", "OFF", "all", "TRACE");

    /** How much of a target is written. */
    public enum Level {
        OFF,
        ERROR,
        WARN,
        INFO,
        DEBUG,
        TRACE;

        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public LogFilter {
        targets = Map.copyOf(targets);
        if (targets.size() > TARGETS_MAX) {
            throw new IllegalArgumentException("at most " + TARGETS_MAX + " targets have levels of their own");
        }
    }

    /**
     * Parses the written form; an empty text is {@link #INFO}.
     *
     * <p>Errors: {@link IllegalArgumentException} with a sentence that names the directive.
     */
    public static LogFilter parse(String text) {
        return INFO.merge(text, true);
    }

    /**
     * This filter with the directives of the text laid over it, where a word alone is a level.
     *
     * <p>Errors: {@link IllegalArgumentException} with a sentence that names the directive.
     */
    public LogFilter merge(String text) {
        return merge(text, false);
    }

    private LogFilter merge(String text, boolean targetsAlone) {
        if (text.length() > TEXT_LENGTH_MAX) {
            throw new IllegalArgumentException("a filter has at most " + TEXT_LENGTH_MAX + " characters");
        }
        Level merged = level;
        Map<String, Level> mergedTargets = new TreeMap<>(targets);
        for (String directive : text.split(",", -1)) {
            String trimmed = directive.trim();
            int equals = trimmed.indexOf('=');
            if (equals >= 0) {
                mergedTargets.put(
                        target(trimmed.substring(0, equals)),
                        level(trimmed.substring(equals + 1).trim()));
            } else if (isLevel(trimmed) || !targetsAlone && !trimmed.isEmpty()) {
                merged = level(trimmed);
            } else if (!trimmed.isEmpty()) {
                requireNoLevelMeant(trimmed);
                mergedTargets.put(target(trimmed), Level.TRACE);
            }
        }
        return new LogFilter(merged, mergedTargets);
    }

    private static boolean isLevel(String word) {
        for (Level level : Level.values()) {
            if (level.word().equalsIgnoreCase(word)) {
                return true;
            }
        }
        return false;
    }

    /** A word alone may be a target; one that is nearly a level is a slip, and would silence what it was to show. */
    private static void requireNoLevelMeant(String word) {
        for (Level level : Level.values()) {
            int slips = level.word().length() < 5 ? 1 : 2;
            boolean near =
                    word.length() <= 40 && Suggestion.edits(word.toLowerCase(Locale.ROOT), level.word()) <= slips;
            if (near || level.name().equals(OTHER_WORDS.get(word.toLowerCase(Locale.ROOT)))) {
                throw new IllegalArgumentException("'" + shorten(word) + "' is no level; did you mean " + level.word()
                        + "? A target of this name is written " + shorten(word) + "=trace");
            }
        }
    }

    private static Level level(String word) {
        if (!isLevel(word)) {
            throw new IllegalArgumentException(
                    "'" + shorten(word) + "' is no level; write off, error, warn, info, debug or trace");
        }
        return Level.valueOf(word.toUpperCase(Locale.ROOT));
    }

    private static String target(String text) {
        String target = text.trim().replace("::", ".");
        boolean plain = !target.isEmpty()
                && target.chars()
                        .allMatch(c -> c == '.' || c == '_' || c == '-' || c < 128 && Character.isLetterOrDigit(c));
        if (!plain || target.startsWith(".") || target.endsWith(".")) {
            throw new IllegalArgumentException(
                    "'" + shorten(text) + "' is neither a level nor a target; write for example info,access=debug");
        }
        return target;
    }

    private static String shorten(String text) {
        return text.length() <= 40 ? text : text.substring(0, 40) + "...";
    }

    /** The written form: the level first, then the targets in order. */
    @Override
    public String toString() {
        List<String> directives = new ArrayList<>();
        directives.add(level.word());
        new TreeMap<>(targets).forEach((target, each) -> directives.add(target + "=" + each.word()));
        return String.join(",", directives);
    }
}
