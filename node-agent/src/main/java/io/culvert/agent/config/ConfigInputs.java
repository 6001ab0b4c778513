package io.culvert.agent.config;

import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Everything that a configuration is read from; flags win over the environment, that over the file.
 *
 * @param flags by knob
 * @param environment by variable
 * @param file the configuration file, if there is one
 * @param cpus how many CPUs the machine lets this process use
 */
public record ConfigInputs(
        Map<Knob, String> flags,
        Map<String, String> environment,
        @Nullable Path file,
        int cpus) {
    /** Names the configuration file where no flag does. */
    public static final String FILE_VARIABLE = "CULVERT_CONFIG";

    public ConfigInputs {
        flags = Map.copyOf(flags);
        environment = Map.copyOf(environment);
    }

    /** From this process's own environment; the one place that reads it. */
    public static ConfigInputs ofProcess(Map<Knob, String> flags, @Nullable Path fileFlag) {
        Map<String, String> environment = System.getenv();
        String named = environment.getOrDefault(FILE_VARIABLE, "");
        Path file = fileFlag != null || named.isEmpty() ? fileFlag : Path.of(named);
        return new ConfigInputs(flags, environment, file, Runtime.getRuntime().availableProcessors());
    }
}
