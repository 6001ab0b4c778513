package io.culvert.protocol;

import java.time.Duration;

/**
 * How long to wait after failures in a row: doubling from a first delay up to a cap, each moved by up to a fifth.
 *
 * <p>Randomness comes from the caller. Bounds: never longer than the cap.
 *
 * @param first the delay after the first failure, positive
 * @param cap the longest delay, at least the first
 */
public record Backoff(Duration first, Duration cap) {
    private static final double SPREAD = 0.2;

    public Backoff {
        if (first.isNegative() || first.isZero() || cap.compareTo(first) < 0 || cap.compareTo(Duration.ofDays(1)) > 0) {
            throw new IllegalArgumentException("a backoff goes from more than 0 to at most a day");
        }
    }

    /**
     * The delay before the next try.
     *
     * @param failures how many tries failed in a row, at least 1
     * @param jitter a random number in [0, 1)
     */
    public Duration delay(int failures, double jitter) {
        if (failures < 1 || !(jitter >= 0 && jitter < 1)) {
            throw new IllegalArgumentException("at least one failure, and a jitter within [0, 1)");
        }
        double doublings = Math.min(failures - 1, 62);
        double nanos = first.toNanos() * Math.pow(2, doublings) * (1 - SPREAD + 2 * SPREAD * jitter);
        return nanos >= cap.toNanos() ? cap : Duration.ofNanos((long) nanos);
    }
}
