package io.culvert.agent.config;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;

/**
 * The configuration file: YAML, nested by the dots of the knobs' keys.
 *
 * <p>Bounds: 1 MiB, four levels of nesting, no aliases of collections.
 */
final class ConfigFile {
    private static final int BYTES_MAX = 1 << 20;
    private static final int DEPTH_MAX = 4;

    private final String name;
    private final List<ConfigProblem> problems;
    private final Map<Knob, Setting> settings = new EnumMap<>(Knob.class);
    private final Map<String, Knob> knobs = new HashMap<>();

    private ConfigFile(String name, List<ConfigProblem> problems) {
        this.name = name;
        this.problems = problems;
        for (Knob knob : Knob.values()) {
            knobs.put(knob.fileKey(), knob);
        }
    }

    /** Reads what the file sets; what is wrong with it goes to the problems. */
    static Map<Knob, Setting> read(Path path, List<ConfigProblem> problems) {
        ConfigFile file = new ConfigFile(path.toString(), problems);
        try {
            if (Files.isRegularFile(path) && Files.size(path) > BYTES_MAX) {
                file.problem("configuration file", file.name, "is larger than " + BYTES_MAX + " bytes; write less");
            } else {
                file.parse(Files.readString(path));
            }
        } catch (NoSuchFileException e) {
            file.problem("configuration file", file.name, "does not exist; create it or name another with --config");
        } catch (CharacterCodingException e) {
            file.problem("configuration file", file.name, "is not UTF-8; save it as UTF-8");
        } catch (IOException e) {
            file.problem("configuration file", file.name, "cannot be read: " + e.getMessage());
        }
        return file.settings;
    }

    private void parse(String text) {
        LoadSettings yaml = LoadSettings.builder()
                .setLabel(name)
                .setMaxAliasesForCollections(0)
                .setCodePointLimit(BYTES_MAX)
                .build();
        try {
            new Compose(yaml).composeString(text).ifPresent(root -> collect("", root, 0));
        } catch (MarkedYamlEngineException e) {
            String where = e.getProblemMark().map(this::at).orElse(name);
            problem("configuration file", where, "is not YAML: " + e.getProblem());
        } catch (YamlEngineException e) {
            problem("configuration file", name, "is not YAML: " + e.getMessage());
        }
    }

    private void collect(String prefix, Node node, int depth) {
        if (!(node instanceof MappingNode mapping) || depth > DEPTH_MAX) {
            String field = prefix.isEmpty() ? "configuration file" : prefix;
            problem(field, at(node), "is no group of settings; write name: value below it");
            return;
        }
        for (NodeTuple tuple : mapping.getValue()) {
            if (tuple.getKeyNode() instanceof ScalarNode key) {
                entry(prefix.isEmpty() ? key.getValue() : prefix + "." + key.getValue(), key, tuple, depth);
            } else {
                problem(prefix, at(tuple.getKeyNode()), "has a key that is no word; write name: value");
            }
        }
    }

    private void entry(String key, Node keyNode, NodeTuple tuple, int depth) {
        Knob knob = knobs.get(key);
        Node value = tuple.getValueNode();
        if (knob == null) {
            if (isGroup(key)) {
                collect(key, value, depth + 1);
            } else {
                problem(key, at(keyNode), "is no setting; " + suggestion(key));
            }
        } else if (!(value instanceof ScalarNode scalar)) {
            problem(
                    key,
                    at(value),
                    "takes one value, not a list or group; write " + knob.type().sentence());
        } else if (settings.containsKey(knob)) {
            problem(key, at(keyNode), "is set twice; remove one of them");
        } else {
            settings.put(knob, new Setting(knob, scalar.getValue(), at(scalar)));
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

    private String at(Node node) {
        return node.getStartMark().map(this::at).orElse(name);
    }

    private String at(Mark mark) {
        return name + ":" + (mark.getLine() + 1);
    }

    private void problem(String field, String where, String what) {
        problems.add(new ConfigProblem(field, where, what));
    }
}
