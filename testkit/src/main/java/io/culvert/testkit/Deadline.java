package io.culvert.testkit;

import java.time.Duration;

/** The instant, on the monotonic clock, at which a test stops waiting. */
public final class Deadline {
    private final long atNanos;

    private Deadline(long atNanos) {
        this.atNanos = atNanos;
    }

    /** A deadline that lies the given time ahead. */
    public static Deadline after(Duration time) {
        return new Deadline(System.nanoTime() + time.toNanos());
    }

    /** What is left; zero when it has passed. */
    public Duration remaining() {
        return Duration.ofNanos(Math.max(0, atNanos - System.nanoTime()));
    }

    /** Whether it has passed. */
    public boolean passed() {
        return atNanos - System.nanoTime() <= 0;
    }
}
