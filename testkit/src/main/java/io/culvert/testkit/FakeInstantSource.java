package io.culvert.testkit;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicReference;

/** A wall clock that the test sets, forward and back. */
public final class FakeInstantSource implements InstantSource {
    private final AtomicReference<Instant> now;

    /** A clock that begins at an instant of no meaning. */
    public FakeInstantSource() {
        this(Instant.parse("2030-01-02T03:04:05Z"));
    }

    /** A clock that begins at the given instant. */
    public FakeInstantSource(Instant start) {
        this.now = new AtomicReference<>(start);
    }

    @Override
    public Instant instant() {
        return now.get();
    }

    /** Sets the clock, to any instant. */
    public void set(Instant to) {
        now.set(to);
    }

    /** Moves the clock by a time, which may be negative. */
    public void advance(Duration by) {
        now.updateAndGet(at -> at.plus(by));
    }
}
