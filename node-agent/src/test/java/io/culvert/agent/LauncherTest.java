package io.culvert.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The script that starts the agent: whose flags of the JVM are in force. */
class LauncherTest {
    private static final Path ROOT =
            Path.of(Objects.requireNonNull(System.getProperty("culvert.root"), "culvert.root is not set"));

    @TempDir
    private Path folder = Path.of("");

    private String flags(String given) throws IOException, InterruptedException {
        Path launcher = Files.createDirectories(folder.resolve("bin")).resolve("agent");
        String text = Files.readString(ROOT.resolve("build/launcher.in"));
        Files.writeString(launcher, text.replace("@JAR@", "agent.jar").replace("@MAIN@", "None"));
        Files.writeString(folder.resolve("agent.jar"), "");
        for (String needed : new String[] {"build", "config"}) {
            if (!Files.exists(folder.resolve(needed))) {
                Files.createSymbolicLink(folder.resolve(needed), ROOT.resolve(needed));
            }
        }
        ProcessBuilder builder = new ProcessBuilder("sh", launcher.toString()).redirectErrorStream(true);
        builder.environment().put("CULVERT_JAVA_HOME", System.getProperty("java.home"));
        // The JVM prints its flags and its version, and starts nothing.
        builder.environment().put("CULVERT_JAVA_OPTIONS", given + " -XX:+PrintFlagsFinal -version");
        Process process = builder.start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), out);
        return out.replaceAll(" +", " ");
    }

    @Test
    void environmentsFlags_winOverTheFiles() throws IOException, InterruptedException {
        String own = flags("");
        assertTrue(own.contains("MaxHeapSize = " + (256L << 20)), own);
        assertTrue(own.contains("UseSerialGC = true"), own);
        String given = flags("-Xmx1g -XX:MaxDirectMemorySize=64m");
        assertTrue(given.contains("MaxHeapSize = " + (1L << 30)), given);
        assertTrue(given.contains("MaxDirectMemorySize = " + (64L << 20)), given);
        assertTrue(given.contains("UseSerialGC = true"), given);
    }
}
