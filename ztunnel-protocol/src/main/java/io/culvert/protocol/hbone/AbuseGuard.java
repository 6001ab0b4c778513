package io.culvert.protocol.hbone;

import io.culvert.protocol.hbone.frame.AbuseKind;
import io.culvert.protocol.hbone.frame.Http2Exception;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/**
 * Counts what a peer costs us without use, per {@link AbuseKind}, and ends the connection when an allowance is spent.
 *
 * <p>Time comes from the caller; allowances come back with it, and with useful work. Runs on: one loop.
 */
final class AbuseGuard {
    static final long STEP_NANOS = 100_000_000;
    private static final int STEPS_PER_SECOND = 10;
    private static final int STEPS_MAX = 1_000_000;

    private static final class Allowance {
        private int left;
        /** What slow allowances have coming, in units per ten. */
        private long owed;

        private Allowance(int left) {
            this.left = left;
        }
    }

    private final Map<AbuseKind, Allowance> allowances = new EnumMap<>(AbuseKind.class);
    private long lastNanos;
    private boolean started;

    AbuseGuard() {
        for (AbuseKind kind : AbuseKind.values()) {
            allowances.put(kind, new Allowance(kind.burst()));
        }
    }

    /** Gives back what the passing of time gives back. */
    void tick(long nowNanos) {
        if (!started) {
            started = true;
            lastNanos = nowNanos;
            return;
        }
        long elapsed = nowNanos - lastNanos;
        if (elapsed >= STEP_NANOS) {
            long steps = elapsed / STEP_NANOS;
            lastNanos += steps * STEP_NANOS;
            refill(Math.min(steps, STEPS_MAX));
        }
    }

    /** Takes units of an allowance. */
    void charge(AbuseKind kind, int units) throws Http2Exception {
        Allowance allowance = of(kind);
        if (allowance.left < units) {
            throw new Http2Exception(kind, "too much of " + kind.name().toLowerCase(Locale.ROOT));
        }
        allowance.left -= units;
    }

    /** Takes one unit if there is one; for an allowance whose end is not that of the connection. */
    void spend(AbuseKind kind) {
        Allowance allowance = of(kind);
        allowance.left = Math.max(0, allowance.left - 1);
    }

    /** Says whether nothing is left. */
    boolean isSpent(AbuseKind kind) {
        return of(kind).left == 0;
    }

    /** Adds units for useful work. */
    void earn(AbuseKind kind, int units) {
        Allowance allowance = of(kind);
        if (allowance.left < kind.saved()) {
            allowance.left = Math.min(kind.saved(), allowance.left + units);
        }
    }

    private Allowance of(AbuseKind kind) {
        return Objects.requireNonNull(allowances.get(kind));
    }

    private void refill(long steps) {
        allowances.forEach((kind, allowance) -> {
            if (allowance.left < kind.burst()) {
                long due = allowance.owed + steps * kind.perSecond();
                allowance.left = (int) Math.min(kind.burst(), allowance.left + due / STEPS_PER_SECOND);
                allowance.owed = due % STEPS_PER_SECOND;
            }
        });
    }
}
