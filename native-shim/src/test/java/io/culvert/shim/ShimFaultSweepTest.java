package io.culvert.shim;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.testkit.CommandResult;
import io.culvert.testkit.Commands;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Fails the Nth kernel call of each C function, for every N, under ASan and UBSan (src/test/c/sweep.c). */
class ShimFaultSweepTest {
    @Test
    void leaksNothing_andComesHome_whicheverCallFails() {
        Path program = Path.of("target", "native", "culvert-test").toAbsolutePath();
        CommandResult result = Commands.run(Duration.ofSeconds(60), List.of(program.toString(), "sweep"));
        result.expectOk();
        assertTrue(result.out().contains(" 0 failures"), result.out());
        assertTrue(result.out().contains("watch_open_tables       5 calls failed in turn"), result.out());
        assertTrue(result.out().contains("connect6               17 calls failed in turn"), result.out());
    }
}
