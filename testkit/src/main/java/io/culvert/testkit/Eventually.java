package io.culvert.testkit;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Waits for something to become true in a system that tells nobody when, looking every few milliseconds; for tests against a
 * real kernel or process only.
 *
 * <p>Bounds: the given time, after which an {@link AssertionError} says what was waited for and what was last seen.
 */
public final class Eventually {
    private static final long FIRST_PAUSE_NANOS = 1_000_000;
    private static final long PAUSE_NANOS_MAX = 50_000_000;

    /** A check that may throw, such as an assertion. */
    @FunctionalInterface
    public interface Check {
        /** Throws while what is waited for does not hold. */
        void run() throws Exception;
    }

    private Eventually() {}

    /** Waits until the condition holds. */
    public static void holds(String what, Duration within, Callable<Boolean> condition) {
        passes(what, within, () -> {
            if (!condition.call()) {
                throw new AssertionError("not so");
            }
        });
    }

    /** Waits until the check no longer throws. */
    public static void passes(String what, Duration within, Check check) {
        Deadline deadline = Deadline.after(within);
        long pauseNanos = FIRST_PAUSE_NANOS;
        while (true) {
            @Nullable Throwable last = attempt(check);
            if (last == null) {
                return;
            }
            if (deadline.passed()) {
                throw new AssertionError(
                        "not within " + Deadline.stretched(within).toMillis() + " ms: " + what + " ("
                                + last.getMessage() + ")",
                        last);
            }
            LockSupport.parkNanos(pauseNanos);
            pauseNanos = Math.min(PAUSE_NANOS_MAX, pauseNanos * 2);
        }
    }

    /** Demands that the condition holds now and for the whole time given. */
    public static void staysSo(String what, Duration during, Callable<Boolean> condition) {
        Deadline deadline = Deadline.exactly(during);
        do {
            @Nullable
            Throwable seen = attempt(() -> {
                if (!condition.call()) {
                    throw new AssertionError("no longer so");
                }
            });
            if (seen != null) {
                throw new AssertionError("did not stay so: " + what, seen);
            }
            LockSupport.parkNanos(PAUSE_NANOS_MAX / 5);
        } while (!deadline.passed());
    }

    private static @Nullable Throwable attempt(Check check) {
        try {
            check.run();
            return null;
        } catch (Exception | AssertionError e) {
            return e;
        }
    }
}
