package io.culvert.testkit;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/** A monotonic clock that moves only when the test moves it; pass {@code ticker::nanoTime} where a clock is wanted. */
public final class FakeTicker implements LongSupplier {
    private final AtomicLong nowNanos;

    /** A ticker near the wrap-around of its value, so that comparisons which do not subtract are found out. */
    public FakeTicker() {
        this(Long.MAX_VALUE - Duration.ofSeconds(5).toNanos());
    }

    /** A ticker that begins at a value. */
    public FakeTicker(long startNanos) {
        this.nowNanos = new AtomicLong(startNanos);
    }

    /** The time now, in nanoseconds of no particular epoch. */
    public long nanoTime() {
        return nowNanos.get();
    }

    /** {@link #nanoTime()}. */
    @Override
    public long getAsLong() {
        return nanoTime();
    }

    /** Moves time forward; a monotonic clock never goes back. */
    public void advance(Duration by) {
        if (by.isNegative()) {
            throw new IllegalArgumentException("a monotonic clock does not go back: " + by);
        }
        nowNanos.addAndGet(by.toNanos());
    }
}
