package io.culvert.perf;

import io.culvert.testkit.LabProcess;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** The macro benchmark's own tests, which are written in its language; a failing one is told in their output. */
class MacroBenchNetnsIT {
    private static final Path TESTS = Path.of(System.getProperty("culvert.root"), "perf/src/test/python/test_bench.py");

    @Test
    void passesItsOwnTests() {
        try (LabProcess tests = LabProcess.start(new ProcessBuilder("python3", TESTS.toString(), "-v"))) {
            tests.await(Duration.ofMinutes(2)).expectOk();
        }
    }
}
