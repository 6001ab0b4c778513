package io.culvert.control.file.yaml;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A value, where it stands, and what it is read as.
 *
 * <p>Bounds: texts of {@link #TEXT_MAX} characters, without control characters.
 *
 * <p>Errors: a value that does not fit adds to {@link Problems} and reads as null or as the fallback.
 *
 * @param node the value
 * @param path the way to it
 * @param problems where mistakes go
 */
public record Field(YamlNode node, YamlPath path, Problems problems) {
    public static final int TEXT_MAX = 2_048;

    /** Reports that the value is wrong. */
    public void wrong(String reason, String fix) {
        problems.add(node.position(), path, reason, fix);
    }

    /** {@code line 3}, to point at another value's place. */
    public String where() {
        return "line " + node.position().line();
    }

    /** True when the value is a mapping, for values that may be written short or long. */
    public boolean isMapping() {
        return node instanceof YamlNode.Mapping;
    }

    /** True when the value is written as none: nothing, {@code ~} or {@code null}. */
    public boolean isNull() {
        return node instanceof YamlNode.Scalar scalar && scalar.isNull();
    }

    /** True for a list without entries, for values where that differs from a list that cannot be read. */
    public boolean isEmptyList() {
        return node instanceof YamlNode.Sequence list && list.entries().isEmpty();
    }

    private void noValue() {
        wrong("has no value", "give it one, or remove the key");
    }

    private void notA(YamlNode.Scalar scalar, String expected) {
        if (scalar.isNull()) {
            noValue();
        } else {
            wrongKind("a single value", expected);
        }
    }

    private void wrongKind(String is, String expected) {
        wrong("is " + is + " where " + expected + " is expected", "write " + expected);
    }

    /** The value as a text; null when it is none. */
    public @Nullable String text() {
        return scalar("a text");
    }

    private @Nullable String scalar(String expected) {
        return switch (node) {
            case YamlNode.Scalar scalar -> text(scalar);
            case YamlNode.Sequence list -> {
                wrongKind("a list", expected);
                yield null;
            }
            case YamlNode.Mapping mapping -> {
                wrongKind("a mapping", expected);
                yield null;
            }
            case YamlNode.Refused refused -> null;
        };
    }

    private @Nullable String text(YamlNode.Scalar scalar) {
        if (scalar.isNull()) {
            noValue();
            return null;
        }
        if (scalar.text().length() > TEXT_MAX) {
            wrong("has more than " + TEXT_MAX + " characters", "shorten it");
            return null;
        }
        if (scalar.text().chars().anyMatch(Character::isISOControl)) {
            wrong("has line breaks or control characters", "write it on one line");
            return null;
        }
        return scalar.text();
    }

    /**
     * The value as a parser reads its text; null when it is no text or the parser refuses it.
     *
     * @param parser throws {@link IllegalArgumentException} with a message that says why
     * @param fix what to write instead
     */
    public <T> @Nullable T parsed(Function<String, T> parser, String fix) {
        String text = text();
        if (text == null) {
            return null;
        }
        try {
            return parser.apply(text);
        } catch (IllegalArgumentException e) {
            wrong(Problems.shown(String.valueOf(e.getMessage())), fix);
            return null;
        }
    }

    /** The value as a whole number of a range, quoted or not. */
    public int number(int least, int most, int fallback) {
        String text = scalar("a number");
        if (text == null) {
            return fallback;
        }
        String range = "a number of " + least + ".." + most;
        boolean digits = text.length() <= 10 && text.chars().allMatch(c -> c >= '0' && c <= '9') && !text.isEmpty();
        long value = digits ? Long.parseLong(text) : -1;
        if (value < least || value > most) {
            wrong("'" + Problems.shown(text) + "' is not " + range, "write " + range);
            return fallback;
        }
        return (int) value;
    }

    /** The value as {@code true} or {@code false}. */
    public boolean flag(boolean fallback) {
        return choice(Map.of("true", true, "false", false), fallback);
    }

    /** The value as one of some words. */
    public <E> E choice(Map<String, E> words, E fallback) {
        String text = text();
        if (text == null) {
            return fallback;
        }
        E chosen = words.get(text);
        if (chosen == null) {
            wrong("'" + Problems.shown(text) + "' is not known here", "write one of " + listed(words));
            return fallback;
        }
        return chosen;
    }

    private static String listed(Map<String, ?> words) {
        return String.join(", ", words.keySet().stream().sorted().toList());
    }

    /** The value as a list; empty when it is none. */
    public List<Field> list() {
        return switch (node) {
            case YamlNode.Sequence list -> fields(list);
            case YamlNode.Refused refused -> List.of();
            case YamlNode.Scalar scalar -> {
                notA(scalar, "a list");
                yield List.of();
            }
            case YamlNode.Mapping mapping -> {
                wrongKind("a mapping", "a list");
                yield List.of();
            }
        };
    }

    private List<Field> fields(YamlNode.Sequence list) {
        List<Field> fields = new ArrayList<>(list.entries().size());
        for (YamlNode entry : list.entries()) {
            fields.add(new Field(entry, path.index(fields.size()), problems));
        }
        return fields;
    }

    /** The value as a list that constrains something: an empty one is refused, since it would constrain nothing. */
    public List<Field> listOfSome() {
        if (isEmptyList()) {
            wrong("is an empty list", "give it an entry, or remove the key");
        }
        return list();
    }

    /** The value as a mapping of known keys; null when it is none. */
    public @Nullable Fields fields() {
        return switch (node) {
            case YamlNode.Mapping mapping -> new Fields(mapping, path, problems);
            case YamlNode.Refused refused -> null;
            case YamlNode.Scalar scalar -> {
                notA(scalar, "a mapping");
                yield null;
            }
            case YamlNode.Sequence list -> {
                wrongKind("a list", "a mapping");
                yield null;
            }
        };
    }
}
