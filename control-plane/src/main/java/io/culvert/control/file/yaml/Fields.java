package io.culvert.control.file.yaml;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A mapping read key by key: every key that somebody asked for is known, and {@link #finish()} refuses the others.
 *
 * <p>Errors: as {@link Field}.
 */
public final class Fields {
    private final Field self;
    private final Map<String, Field> values = new HashMap<>();
    private final List<YamlNode.Entry> entries;
    private final Set<String> known = new LinkedHashSet<>();

    Fields(YamlNode.Mapping mapping, YamlPath path, Problems problems) {
        this.self = new Field(mapping, path, problems);
        this.entries = mapping.entries();
        for (YamlNode.Entry entry : entries) {
            values.put(entry.key(), new Field(entry.value(), path.key(entry.key()), problems));
        }
    }

    /** The mapping itself. */
    public Field self() {
        return self;
    }

    public boolean isEmpty() {
        return entries.isEmpty();
    }

    /** The value of a key; null when the key is absent. */
    public @Nullable Field field(String key) {
        known.add(key);
        return values.get(key);
    }

    /** The value of a key, or the mapping where the key is absent: whom to blame. */
    public Field blame(String key) {
        return values.getOrDefault(key, self);
    }

    /** The value of a key that must be there; a missing one is reported. */
    public @Nullable Field required(String key) {
        Field field = field(key);
        if (field == null) {
            self.wrong("has no '" + key + "'", "add '" + key + ": ...'");
        }
        return field;
    }

    public String text(String key, String fallback) {
        Field field = field(key);
        String text = field == null ? null : field.text();
        return text == null ? fallback : text;
    }

    /** A key's value as a parser reads it, or the fallback; see {@link Field#parsed}. */
    public <T> T parsed(String key, Function<String, T> parser, String fix, T fallback) {
        Field field = field(key);
        T value = field == null ? null : field.parsed(parser, fix);
        return value == null ? fallback : value;
    }

    public int number(String key, int least, int most, int fallback) {
        Field field = field(key);
        return field == null ? fallback : field.number(least, most, fallback);
    }

    public boolean flag(String key, boolean fallback) {
        Field field = field(key);
        return field == null ? fallback : field.flag(fallback);
    }

    public <E> E choice(String key, Map<String, E> words, E fallback) {
        Field field = field(key);
        return field == null ? fallback : field.choice(words, fallback);
    }

    /** The entries of a key's list; empty when the key is absent. */
    public List<Field> list(String key) {
        Field field = field(key);
        return field == null ? List.of() : field.list();
    }

    /** The mapping under a key; null when the key is absent. */
    public @Nullable Fields section(String key) {
        Field field = field(key);
        return field == null ? null : field.fields();
    }

    /** All keys and values, for a mapping whose keys are the user's own. */
    public Map<String, Field> all() {
        Map<String, Field> all = new LinkedHashMap<>();
        for (YamlNode.Entry entry : entries) {
            Field value = field(entry.key());
            if (value != null) {
                all.put(entry.key(), value);
            }
        }
        return all;
    }

    /** Refuses keys that mean something elsewhere, with the reason why they mean nothing here. */
    public void refuse(Set<String> keys, String reason, String fix) {
        for (YamlNode.Entry entry : entries) {
            if (keys.contains(entry.key())) {
                known.add(entry.key());
                self.problems().add(entry.keyPosition(), self.path().key(entry.key()), reason, fix);
            }
        }
    }

    /** Refuses every key that nobody asked for, and names the nearest one that is known. */
    public void finish() {
        for (YamlNode.Entry entry : entries) {
            if (!known.contains(entry.key())) {
                self.problems()
                        .add(
                                entry.keyPosition(),
                                self.path().key(entry.key()),
                                "unknown key '" + Problems.shown(entry.key()) + "'",
                                suggestion(entry.key()));
            }
        }
    }

    private String suggestion(String key) {
        List<String> unused = new ArrayList<>(known);
        unused.removeAll(values.keySet());
        String nearest = Nearest.of(key, unused);
        return nearest == null
                ? "use one of " + String.join(", ", known.stream().sorted().toList())
                : "did you mean '" + nearest + "'?";
    }
}
