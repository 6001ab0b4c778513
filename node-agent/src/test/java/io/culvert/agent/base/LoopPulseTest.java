package io.culvert.agent.base;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.sim.SimLoop;
import io.culvert.testkit.FakeTicker;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class LoopPulseTest {
    private final SimLoop first = new SimLoop(false);
    private final SimLoop second = new SimLoop(false);
    private final Readiness readiness = new Readiness();
    private final FakeTicker ticker = new FakeTicker();
    private final LoopPulse pulse = new LoopPulse(List.of(first, second), readiness, ticker::nanoTime);

    private void seconds(int count) {
        for (int i = 0; i < count; i++) {
            pulse.look();
            ticker.advance(Duration.ofSeconds(1));
        }
    }

    @Test
    void staysReady_whileLoopsTurn() {
        for (int i = 0; i < 30; i++) {
            seconds(1);
            first.run(1);
            second.run(1);
            assertTrue(readiness.isReady());
        }
    }

    @Test
    void isUnready_fromWhenALoopHasStoodStill_untilItTurnsAgain() {
        for (int i = 0; i < 10; i++) {
            seconds(1);
            first.run(1);
            assertTrue(readiness.isReady());
        }
        seconds(2);
        first.run(1);
        assertEquals(List.of("loop-1 to turn again"), readiness.pending());
        second.run(1);
        seconds(1);
        assertTrue(readiness.isReady());
    }
}
