package io.culvert.agent.base;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/**
 * What this agent was built from.
 *
 * @param version the project's version
 * @param revision the source revision, {@code unknown} when the build did not say
 */
public record BuildVersion(String version, String revision) {
    private static final String RESOURCE = "/io/culvert/agent/build.properties";

    /** Reads what the build left in the jar. */
    public static BuildVersion current() {
        Properties properties = new Properties();
        try (InputStream in = BuildVersion.class.getResourceAsStream(RESOURCE)) {
            if (in == null) {
                throw new InvariantViolation("the jar holds " + RESOURCE);
            }
            properties.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new BuildVersion(
                properties.getProperty("version", "unknown"), properties.getProperty("revision", "unknown"));
    }
}
