package io.culvert.systemtests.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.testkit.CommandResult;
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
            CommandResult result = demo.await(Duration.ofMinutes(3));
            assertEquals(0, result.exit(), result::toString);
        }
    }
}
