package io.culvert.agent.base;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

class DrainTest {
    private static final Duration TEN_SECONDS = Duration.ofSeconds(10);

    private final List<String> events = new ArrayList<>();
    private final List<Runnable> alarms = new ArrayList<>();
    private final List<Duration> delays = new ArrayList<>();
    private final Drain drain = new Drain((delay, action) -> {
        delays.add(delay);
        alarms.add(action);
    });

    private Drain.Participant recording(String name) {
        return new Drain.Participant() {
            @Override
            public void drainStarted(Duration deadline) {
                events.add(name + " started " + deadline.toSeconds());
            }

            @Override
            public void drainForced() {
                events.add(name + " forced");
            }
        };
    }

    @Test
    void completesGracefully_whenEveryTokenIsReleased() {
        Drain.Token a = drain.join("a", recording("a"));
        Drain.Token b = drain.join("b", recording("b"));
        drain.start(TEN_SECONDS);
        a.release();
        assertEquals(List.of("b"), drain.waitingFor());
        assertFalse(drain.done().isDone());
        b.release();
        assertEquals(Drain.Outcome.GRACEFUL, drain.done().join());
        assertEquals(List.of("a started 10", "b started 10"), events);
        assertEquals(List.of(TEN_SECONDS), delays);
    }

    @Test
    void forcesWhatIsLeft_atTheDeadline() {
        Drain.Token a = drain.join("a", recording("a"));
        drain.join("b", recording("b"));
        drain.start(TEN_SECONDS);
        a.release();
        alarms.getFirst().run();
        assertEquals(Drain.Outcome.FORCED, drain.done().join());
        assertEquals(List.of("a started 10", "b started 10", "b forced"), events);
        assertEquals(Drain.Phase.DONE, drain.phase());
    }

    @Test
    void staysGraceful_whenTheAlarmComesAfterTheLastRelease() {
        Drain.Token a = drain.join("a", recording("a"));
        drain.start(TEN_SECONDS);
        a.release();
        alarms.getFirst().run();
        assertEquals(Drain.Outcome.GRACEFUL, drain.done().join());
        assertEquals(List.of("a started 10"), events);
    }

    @Test
    void forcesAtOnce_whenTheDeadlineIsZero() {
        drain.join("a", recording("a"));
        drain.start(Duration.ZERO);
        assertEquals(Drain.Outcome.FORCED, drain.done().join());
        assertEquals(List.of("a started 0", "a forced"), events);
        assertTrue(alarms.isEmpty());
    }

    @Test
    void shortensButNeverLengthens_whenStartedAgain() {
        drain.join("a", recording("a"));
        drain.start(TEN_SECONDS);
        drain.start(Duration.ofSeconds(60));
        drain.start(Duration.ZERO);
        assertEquals(Drain.Outcome.FORCED, drain.done().join());
        alarms.forEach(Runnable::run);
        assertEquals(List.of("a started 10", "a forced"), events);
    }

    @Test
    void tellsAtOnce_whoJoinsWhileItDrains() {
        Drain.Token a = drain.join("a", recording("a"));
        drain.start(TEN_SECONDS);
        Drain.Token late = drain.join("late", recording("late"));
        a.release();
        assertFalse(drain.done().isDone());
        late.release();
        assertEquals(Drain.Outcome.GRACEFUL, drain.done().join());
        assertEquals(List.of("a started 10", "late started 10"), events);
    }

    @Test
    void forces_whoJoinsAfterTheEnd() {
        drain.start(TEN_SECONDS);
        drain.join("late", recording("late"));
        assertEquals(List.of("late started 10", "late forced"), events);
        assertTrue(drain.waitingFor().isEmpty());
    }

    @Test
    void ignoresReleases_whileNothingDrains() {
        Drain.Token a = drain.join("a", recording("a"));
        a.release();
        a.release();
        assertEquals(Drain.Phase.RUNNING, drain.phase());
        assertFalse(drain.done().isDone());
    }

    @Test
    void forcesTheOthers_whenOneFails() {
        drain.join("bad", new Drain.Participant() {
            @Override
            public void drainStarted(Duration deadline) {}

            @Override
            public void drainForced() {
                throw new IllegalStateException("bad");
            }
        });
        drain.join("b", recording("b"));
        drain.start(Duration.ZERO);
        assertTrue(events.contains("b forced"));
        assertThrows(CompletionException.class, () -> drain.done().join());
    }
}
