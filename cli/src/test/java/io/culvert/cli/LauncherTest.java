package io.culvert.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class LauncherTest {
    @Test
    void findsWhereItIs_alsoWithAPathOfTheShellsCd(@TempDir Path folder) throws Exception {
        Path root = Path.of(System.getProperty("culvert.root", ".."));
        String launcher = Files.readString(root.resolve("build/launcher.in")).replace("@JAR@", "absent.jar");
        Path _ = Files.createDirectory(folder.resolve("bin"));
        Path _ = Files.writeString(folder.resolve("bin/it"), launcher);
        ProcessBuilder shell = new ProcessBuilder("sh", "bin/it").directory(folder.toFile());
        shell.environment().put("CDPATH", ".");
        Process process = shell.redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertEquals(1, process.waitFor());
        Path here = folder.toRealPath();
        assertEquals("culvert: " + here + "/absent.jar is missing: run `make build` in " + here + "\n", said);
    }
}
