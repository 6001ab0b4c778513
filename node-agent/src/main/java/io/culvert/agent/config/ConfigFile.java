package io.culvert.agent.config;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.events.CollectionEndEvent;
import org.snakeyaml.engine.v2.events.CollectionStartEvent;
import org.snakeyaml.engine.v2.events.DocumentStartEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.MappingStartEvent;
import org.snakeyaml.engine.v2.events.NodeEvent;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * The configuration file: YAML, nested by the dots of the knobs' keys.
 *
 * <p>Refused, each with its line: tags, aliases, keys without a value, a second document.
 *
 * <p>Bounds: 1 MiB of whatever kind of file, {@value #DEPTH_MAX} levels of nesting.
 */
final class ConfigFile {
    private static final int BYTES_MAX = 1 << 20;
    private static final int DEPTH_MAX = 16;
    private static final String WHOLE = "configuration file";

    private final String name;
    private final List<ConfigProblem> problems;
    private final Map<Knob, Setting> settings = new EnumMap<>(Knob.class);
    private final Map<String, Knob> knobs = new HashMap<>();
    private String reached;

    private ConfigFile(String name, List<ConfigProblem> problems) {
        this.name = name;
        this.problems = problems;
        this.reached = name;
        for (Knob knob : Knob.values()) {
            knobs.put(knob.fileKey(), knob);
        }
    }

    /** Reads what the file sets; what is wrong with it goes to the problems. */
    static Map<Knob, Setting> read(Path path, List<ConfigProblem> problems) {
        ConfigFile file = new ConfigFile(path.toString(), problems);
        try (InputStream in = Files.newInputStream(path)) {
            byte[] bytes = in.readNBytes(BYTES_MAX + 1);
            if (bytes.length > BYTES_MAX) {
                file.problem(WHOLE, file.name, "is larger than " + BYTES_MAX + " bytes; write less");
            } else {
                file.parse(StandardCharsets.UTF_8
                        .newDecoder()
                        .decode(ByteBuffer.wrap(bytes))
                        .toString());
            }
        } catch (NoSuchFileException e) {
            file.problem(WHOLE, file.name, "does not exist; create it or name another with --config");
        } catch (CharacterCodingException e) {
            file.problem(WHOLE, file.name, "is not UTF-8; save it as UTF-8");
        } catch (IOException e) {
            file.problem(WHOLE, file.name, "cannot be read: " + e.getMessage());
        }
        return file.settings;
    }

    private void parse(String text) {
        Parse yaml = new Parse(LoadSettings.builder()
                .setLabel(name)
                .setCodePointLimit(BYTES_MAX)
                .build());
        try {
            // A file that cannot be read to its end is told for that alone.
            if (isShallow(yaml.parseString(text).iterator())) {
                document(yaml.parseString(text).iterator());
            }
        } catch (MarkedYamlEngineException e) {
            String where = e.getProblemMark().map(this::at).orElse(name);
            problem(WHOLE, where, "is not YAML: " + e.getProblem());
        } catch (YamlEngineException e) {
            problem(WHOLE, name, "is not YAML: " + e.getMessage());
        } catch (RuntimeException e) {
            // The parser computes with what it reads, such as "\\U99999999", and does not expect that to fail.
            problem(WHOLE, reached, "is not YAML here or after it: " + e);
        }
    }

    private boolean isShallow(Iterator<Event> events) {
        int depth = 0;
        while (events.hasNext()) {
            Event event = events.next();
            reached = at(event);
            if (event instanceof CollectionStartEvent && ++depth > DEPTH_MAX) {
                problem(WHOLE, at(event), "is nested deeper than " + DEPTH_MAX + " levels; settings are not");
                return false;
            }
            depth -= event instanceof CollectionEndEvent ? 1 : 0;
        }
        return true;
    }

    private void document(Iterator<Event> events) {
        boolean begun = false;
        while (events.hasNext()) {
            Event event = events.next();
            if (event instanceof DocumentStartEvent && begun) {
                problem(WHOLE, at(event), "holds a second document; keep everything in one, without '---' in between");
                return;
            }
            if (event instanceof NodeEvent root) {
                begun = true;
                group("", root, events);
            }
        }
    }

    private void group(String prefix, NodeEvent start, Iterator<Event> events) {
        String field = prefix.isEmpty() ? WHOLE : prefix;
        refuseTag(field, start);
        if (!(start instanceof MappingStartEvent)) {
            problem(field, at(start), "is no group of settings; write name: value below it");
            skip(start, events);
            return;
        }
        for (NodeEvent key = next(events); key != null; key = next(events)) {
            if (key instanceof ScalarEvent word) {
                String name = prefix.isEmpty() ? word.getValue() : prefix + "." + word.getValue();
                refuseTag(name, word);
                entry(name, word, value(events), events);
            } else {
                problem(field, at(key), "has a key that is no word; write name: value");
                skip(key, events);
                skip(value(events), events);
            }
        }
    }

    private void entry(String key, ScalarEvent word, NodeEvent value, Iterator<Event> events) {
        Knob knob = knobs.get(key);
        if (knob == null && isGroup(key)) {
            group(key, value, events);
            return;
        }
        skip(value, events);
        if (knob == null) {
            problem(key, at(word), "is no setting; " + suggestion(key));
            return;
        }
        refuseTag(key, value);
        if (!(value instanceof ScalarEvent scalar)) {
            problem(
                    key,
                    at(value),
                    "takes one value, not a list, group or alias; write "
                            + knob.type().sentence());
        } else if (settings.containsKey(knob)) {
            problem(key, at(word), "is set twice; remove one of them");
        } else if (isNothing(scalar, knob)) {
            problem(key, at(scalar), "has no value; give it one, or remove the key");
        } else {
            settings.put(knob, new Setting(knob, scalar.getValue(), at(scalar)));
        }
    }

    /** A key with nothing behind it; a text may be empty if it says so with quotes. */
    private static boolean isNothing(ScalarEvent scalar, Knob knob) {
        String text = scalar.getValue();
        return scalar.isPlain()
                ? text.isEmpty() || text.equals("~") || text.equalsIgnoreCase("null")
                : text.isBlank() && knob.type() != KnobType.TEXT;
    }

    private void refuseTag(String field, NodeEvent event) {
        Optional<String> tag = switch (event) {
            case ScalarEvent scalar -> scalar.getTag();
            case CollectionStartEvent collection -> collection.getTag();
            default -> Optional.empty();
        };
        tag.ifPresent(each -> problem(field, at(event), "has the tag " + each + ", which is not supported; remove it"));
    }

    /** The value that follows a key; the parser has seen to it that there is one. */
    private static NodeEvent value(Iterator<Event> events) {
        return Objects.requireNonNull(next(events), "a key has a value");
    }

    /** The next key, value or entry; null at the end of the collection. */
    private static @Nullable NodeEvent next(Iterator<Event> events) {
        while (events.hasNext()) {
            Event event = events.next();
            if (event instanceof NodeEvent node) {
                return node;
            }
            if (event instanceof CollectionEndEvent) {
                return null;
            }
        }
        return null;
    }

    /** Passes over the rest of a value whose first event this is. */
    private static void skip(NodeEvent start, Iterator<Event> events) {
        int open = start instanceof CollectionStartEvent ? 1 : 0;
        while (open > 0 && events.hasNext()) {
            Event event = events.next();
            open += event instanceof CollectionStartEvent ? 1 : event instanceof CollectionEndEvent ? -1 : 0;
        }
    }

    private boolean isGroup(String key) {
        return knobs.keySet().stream().anyMatch(known -> known.startsWith(key + "."));
    }

    private String suggestion(String key) {
        List<String> known = new ArrayList<>(knobs.keySet());
        return Suggestion.nearest(key, known)
                .map(near -> "did you mean " + near + "?")
                .orElse("remove it, or see docs/configuration.md for the names");
    }

    private String at(Event event) {
        return event.getStartMark().map(this::at).orElse(name);
    }

    private String at(Mark mark) {
        return name + ":" + (mark.getLine() + 1);
    }

    private void problem(String field, String where, String what) {
        problems.add(new ConfigProblem(field, where, what));
    }
}
