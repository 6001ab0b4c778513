package io.culvert.testkit;

import java.time.Duration;

/**
 * The instant, on the monotonic clock, at which a test stops waiting. {@code -Dculvert.patience=FACTOR} puts it off on a machine
 * that is so many times slower.
 */
public final class Deadline {
    private static final int PATIENCE = Math.max(1, Integer.getInteger("culvert.patience", 1));

    private final long atNanos;

    private Deadline(long atNanos) {
        this.atNanos = atNanos;
    }

    /** A deadline that lies the given time ahead, or as many times as the machine is slower. */
    public static Deadline after(Duration time) {
        return exactly(stretched(time));
    }

    /** A deadline that lies just the given time ahead on every machine. */
    static Deadline exactly(Duration time) {
        return new Deadline(System.nanoTime() + time.toNanos());
    }

    /** How long a test waits at most where this is long enough on an ordinary machine. */
    static Duration stretched(Duration time) {
        return time.multipliedBy(PATIENCE);
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
