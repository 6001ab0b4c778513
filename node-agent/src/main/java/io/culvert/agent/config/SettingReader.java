package io.culvert.agent.config;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Reads settings as typed values; what is wrong is collected and a harmless value returned in its place, so that one
 * reading tells everything that is wrong.
 */
final class SettingReader {
    private final Map<Knob, Setting> settings;
    private final List<ConfigProblem> problems;

    SettingReader(Map<Knob, Setting> settings, List<ConfigProblem> problems) {
        this.settings = settings;
        this.problems = problems;
    }

    Setting setting(Knob knob) {
        Setting setting = settings.get(knob);
        return setting == null ? new Setting(knob, "", Setting.UNSET) : setting;
    }

    boolean isSet(Knob knob) {
        return setting(knob).isSet();
    }

    String text(Knob knob) {
        return setting(knob).text();
    }

    String requiredText(Knob knob) {
        if (text(knob).isEmpty()) {
            problem(
                    knob,
                    "is required; give " + knob.flag() + " or set "
                            + knob.environment().getFirst());
        }
        return text(knob);
    }

    Path requiredPath(Knob knob) {
        return read(knob, requiredText(knob), SettingReader::path, Path.of(""));
    }

    private static Path path(String text) {
        try {
            return Path.of(text);
        } catch (InvalidPathException e) {
            throw ValueText.wrong(text, "is no path: " + e.getReason());
        }
    }

    boolean bool(Knob knob) {
        return read(knob, text(knob), ValueText::bool, false);
    }

    int integer(Knob knob) {
        return (int) bounded(knob, ValueText::integer, Long::parseLong);
    }

    int size(Knob knob) {
        return (int) bounded(knob, ValueText::size, ValueText::size);
    }

    int wholeCpus(Knob knob) {
        return ValueText.wholeCpus(bounded(knob, ValueText::milliCpus, ValueText::milliCpus));
    }

    Duration duration(Knob knob) {
        return Duration.ofNanos(bounded(knob, SettingReader::nanos, SettingReader::nanos));
    }

    private static long nanos(String text) {
        return ValueText.duration(text).toNanos();
    }

    <E extends Enum<E>> E choice(Knob knob, Class<E> words) {
        E fallback = words.getEnumConstants()[0];
        return read(
                knob,
                text(knob),
                text -> {
                    if (!knob.choices().contains(text.toLowerCase(Locale.ROOT))) {
                        throw ValueText.wrong(text, "is unknown; write " + String.join(", ", knob.choices()));
                    }
                    return Enum.valueOf(words, text.toUpperCase(Locale.ROOT));
                },
                fallback);
    }

    /** Reads the text with a parser that throws when it is wrong. */
    <T> T read(Knob knob, String text, Function<String, T> parser, T fallback) {
        try {
            return parser.apply(text);
        } catch (IllegalArgumentException e) {
            String message = e.getMessage();
            problem(knob, message == null ? "cannot be read" : message);
            return fallback;
        }
    }

    private long bounded(Knob knob, Function<String, Long> parser, Function<String, Long> boundParser) {
        long minimum = knob.minimum().map(boundParser).orElse(0L);
        long maximum = knob.maximum().map(boundParser).orElse(Long.MAX_VALUE);
        Optional<Long> value = read(knob, text(knob), text -> Optional.of(parser.apply(text)), Optional.empty());
        if (value.isEmpty()) {
            return minimum;
        }
        if (value.get() < minimum || value.get() > maximum) {
            problem(knob, "'" + text(knob) + "' is out of bounds; write " + range(knob));
            return minimum;
        }
        return value.get();
    }

    private static String range(Knob knob) {
        return knob.minimum().orElse("0") + " to " + knob.maximum().orElse("any");
    }

    /** How many problems there are so far. */
    int problems() {
        return problems.size();
    }

    void problem(Knob knob, String what) {
        problems.add(ConfigProblem.of(setting(knob), what));
    }
}
