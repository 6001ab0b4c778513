package io.culvert.systemtests.demo;

import io.culvert.testkit.LabProcess;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** The tests of the demonstration's folders, which are written in its language; a failing one is told in their output. */
class DemoFoldersNetnsIT {
    private static final Path TESTS = Path.of(System.getProperty("culvert.root"), "demo/test_stale.py");

    @Test
    void passesItsOwnTests() {
        try (LabProcess tests = LabProcess.start(new ProcessBuilder("python3", "-B", TESTS.toString(), "-v"))) {
            tests.await(Duration.ofMinutes(1)).expectOk();
        }
    }
}
