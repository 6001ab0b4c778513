package io.culvert.agent.config;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.events.CollectionEndEvent;
import org.snakeyaml.engine.v2.events.CollectionStartEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * What whoever runs the mesh sets for all its proxies: the {@code defaultConfig} of the mesh's own file, then the variable {@code
 * PROXY_CONFIG}, which wins. Every other source of settings wins over both.
 *
 * <p>Keys that say nothing to this agent are passed over, for other proxies read them too.
 *
 * <p>Bounds: 1 MiB and {@value #DEPTH_MAX} levels of nesting each.
 */
final class FleetDefaults {
    static final String VARIABLE = "PROXY_CONFIG";
    static final Path MESH_FILE = Path.of("./etc/istio/config/mesh");

    private static final int CHARACTERS_MAX = 1 << 20;
    private static final int DEPTH_MAX = 64;
    private static final String META = "ISTIO_META_";
    private static final Map<String, List<Knob>> KEYS = Map.of(
            "discoveryAddress", List.of(Knob.XDS_ADDRESS, Knob.CA_ADDRESS),
            "proxyAdminPort", List.of(Knob.ADMIN_PORT),
            "statsPort", List.of(Knob.STATS_PORT),
            "concurrency", List.of(Knob.WORKER_THREADS));

    private final List<ConfigProblem> problems;
    private final Map<Knob, Setting> settings = new EnumMap<>(Knob.class);
    private final Map<String, String> metadata = new HashMap<>();

    private FleetDefaults(List<ConfigProblem> problems) {
        this.problems = problems;
    }

    /** Reads both; what cannot be read goes to the problems. */
    static FleetDefaults read(Path meshFile, Map<String, String> environment, List<ConfigProblem> problems) {
        FleetDefaults defaults = new FleetDefaults(problems);
        String file = defaults.text(meshFile);
        if (defaults.load(file, meshFile.toString()) instanceof Map<?, ?> mesh) {
            defaults.take(mesh.get("defaultConfig"), meshFile.toString());
        }
        defaults.take(defaults.load(environment.getOrDefault(VARIABLE, ""), VARIABLE), VARIABLE);
        return defaults;
    }

    /** The settings. */
    Map<Knob, Setting> settings() {
        return settings;
    }

    /** What the control plane is told besides, by name. */
    Map<String, String> metadata() {
        return metadata;
    }

    private String text(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return new String(in.readNBytes(CHARACTERS_MAX + 1), StandardCharsets.UTF_8);
        } catch (NoSuchFileException e) {
            return "";
        } catch (IOException e) {
            problem(file.toString(), "cannot be read: " + e.getMessage());
            return "";
        }
    }

    private @Nullable Object load(String text, String where) {
        if (text.length() > CHARACTERS_MAX) {
            problem(where, "is longer than " + CHARACTERS_MAX + " characters");
            return null;
        }
        if (text.isBlank()) {
            return null;
        }
        try {
            LoadSettings settings =
                    LoadSettings.builder().setCodePointLimit(CHARACTERS_MAX).build();
            if (isDeep(new Parse(settings).parseString(text))) {
                problem(where, "is nested deeper than " + DEPTH_MAX + " levels");
                return null;
            }
            Object loaded = new Load(settings).loadFromString(text);
            if (loaded instanceof Map || loaded == null) {
                return loaded;
            }
            problem(where, "is no mapping of keys to values");
        } catch (YamlEngineException e) {
            problem(where, "is not YAML: " + e.getMessage());
        } catch (RuntimeException e) {
            // The parser computes with what it reads, such as "\\U99999999", and does not expect that to fail.
            problem(where, "is not YAML: " + e);
        }
        return null;
    }

    /** Each level costs the loader some of its stack. */
    private static boolean isDeep(Iterable<Event> events) {
        int depth = 0;
        for (Event event : events) {
            if (event instanceof CollectionStartEvent && ++depth > DEPTH_MAX) {
                return true;
            }
            depth -= event instanceof CollectionEndEvent ? 1 : 0;
        }
        return false;
    }

    private void take(@Nullable Object config, String where) {
        if (!(config instanceof Map<?, ?> map)) {
            return;
        }
        KEYS.forEach((key, knobs) -> {
            Object value = map.get(key);
            if (value != null) {
                knobs.forEach(knob -> settings.put(knob, new Setting(knob, value.toString(), where)));
            }
        });
        if (map.get("proxyMetadata") instanceof Map<?, ?> entries) {
            entries.forEach((name, value) -> metadata(String.valueOf(name), String.valueOf(value), where));
        }
    }

    /** Some of it is settings, by the names of their variables or what follows the prefix of these. */
    private void metadata(String name, String value, String where) {
        String bare = name.startsWith(META) ? name.substring(META.length()) : name;
        metadata.put(bare, value);
        for (Knob knob : Knob.values()) {
            if (knob.environment().contains(META + bare)) {
                settings.put(knob, new Setting(knob, value, where));
            }
        }
    }

    private void problem(String where, String what) {
        problems.add(new ConfigProblem("the fleet's defaults", where, what));
    }
}
