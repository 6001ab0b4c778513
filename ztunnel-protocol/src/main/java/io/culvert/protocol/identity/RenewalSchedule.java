package io.culvert.protocol.identity;

import io.culvert.protocol.Backoff;
import java.time.Duration;
import java.time.Instant;

/**
 * When to renew a workload certificate: at half of its life, somewhat earlier by chance so that a node's certificates do
 * not all come due at once; after a failure as the backoff says, but not after the certificate has run out.
 *
 * <p>Waits are taken from the length of the validity as much as from its dates, so a clock that is set back cannot
 * postpone a renewal by more than half a life.
 *
 * <p>Bounds: a wait is at least a second, so that a certificate with useless dates is not requested in a tight loop, and
 * at most 30 days.
 *
 * @param retry delays after failures
 */
public record RenewalSchedule(Backoff retry) {
    public static final RenewalSchedule STANDARD =
            new RenewalSchedule(new Backoff(Duration.ofSeconds(1), Duration.ofSeconds(30)));
    private static final Duration WAIT_MIN = Duration.ofSeconds(1);
    private static final Duration WAIT_MAX = Duration.ofDays(30);
    /** The part of a life within which chance moves the renewal forward. */
    private static final double SPREAD = 0.1;

    /**
     * When to renew a certificate that was just taken into use.
     *
     * @param window its validity
     * @param now the moment
     * @param jitter a random number in [0, 1)
     */
    public Instant renewAt(ValidityWindow window, Instant now, double jitter) {
        Duration half = atMost(window.length(), WAIT_MAX.multipliedBy(2)).dividedBy(2);
        Duration early = Duration.ofNanos((long) (half.toNanos() * 2 * SPREAD * jitter));
        // A window far in the past or future would overflow when its half is added to it, so reckon from now.
        Duration age = window.length().isZero() ? Duration.ZERO : Duration.between(window.notBefore(), now);
        Duration left = window.length().dividedBy(2).minus(age).minus(early);
        return now.plus(clamp(atMost(left, half)));
    }

    /**
     * When to try again after failures.
     *
     * @param window validity of the certificate that is still in use
     * @param now the moment
     * @param failures how many tries failed in a row
     * @param jitter a random number in [0, 1)
     */
    public Instant retryAt(ValidityWindow window, Instant now, int failures, double jitter) {
        Instant next = retryAt(now, failures, jitter);
        boolean runsOutBefore = window.contains(now) && window.notAfter().isBefore(next);
        return runsOutBefore ? window.notAfter() : next;
    }

    /** When to try again after failures, with no certificate at all. */
    public Instant retryAt(Instant now, int failures, double jitter) {
        return now.plus(retry.delay(failures, jitter));
    }

    private static Duration clamp(Duration wait) {
        return wait.compareTo(WAIT_MIN) < 0 ? WAIT_MIN : atMost(wait, WAIT_MAX);
    }

    private static Duration atMost(Duration wait, Duration max) {
        return wait.compareTo(max) > 0 ? max : wait;
    }
}
