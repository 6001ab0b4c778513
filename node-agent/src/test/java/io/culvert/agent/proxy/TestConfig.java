package io.culvert.agent.proxy;

import io.culvert.agent.config.AgentConfig;
import io.culvert.agent.config.AgentConfigLoader;
import io.culvert.agent.config.ConfigException;
import io.culvert.agent.config.ConfigInputs;
import io.culvert.agent.config.Knob;
import java.util.EnumMap;
import java.util.Map;

/** The defaults, and what a test sets besides. */
final class TestConfig {
    private static final Map<Knob, String> REQUIRED =
            Map.of(Knob.NODE_NAME, "node-a", Knob.MESH_FILE, "mesh.yaml", Knob.CA_DIRECTORY, "ca");

    private TestConfig() {}

    static AgentConfig defaults() {
        return with(Map.of());
    }

    static AgentConfig with(Map<Knob, String> besides) {
        Map<Knob, String> flags = new EnumMap<>(REQUIRED);
        flags.putAll(besides);
        try {
            return AgentConfigLoader.load(new ConfigInputs(flags, Map.of(), null, 1))
                    .config();
        } catch (ConfigException e) {
            throw new IllegalStateException(e);
        }
    }
}
