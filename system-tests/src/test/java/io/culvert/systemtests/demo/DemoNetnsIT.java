package io.culvert.systemtests.demo;

import io.culvert.testkit.LabProcess;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** The demonstration itself: every step of it holds; what it shows is in the message when one does not. */
class DemoNetnsIT {
    private static final Path DEMO = Path.of(System.getProperty("culvert.root"), "demo/run");

    @Test
    void everyStepHolds() {
        try (LabProcess demo = LabProcess.start(new ProcessBuilder(DEMO.toString()))) {
            demo.await(Duration.ofMinutes(3)).expectOk();
        }
    }
}
