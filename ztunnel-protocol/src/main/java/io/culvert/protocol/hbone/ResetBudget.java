package io.culvert.protocol.hbone;

import io.culvert.protocol.hbone.frame.AbuseKind;

/**
 * How many unused streams a client may reset on one connection: well within what {@link AbuseKind#UNUSED_RESET} allows it at
 * the other end, so that its applications' haste never makes it look like an attacker.
 *
 * <p>Time comes from the caller. Streams that are open when it is used up may still be reset, at the expense of those to come.
 *
 * <p>Runs on: one loop. Bounds: {@link #BURST} resets at once, {@link #PER_SECOND} more as time passes.
 */
public final class ResetBudget {
    /** The part of the peer's allowance that is used: what was sent over a second may arrive at once. */
    private static final int SHARE = 4;

    public static final int BURST = AbuseKind.UNUSED_RESET.burst() / SHARE;
    public static final int PER_SECOND = AbuseKind.UNUSED_RESET.perSecond() / SHARE;

    private static final long SECOND_NANOS = 1_000_000_000;
    private static final long COST_NANOS = SECOND_NANOS / PER_SECOND;
    /** A peer that refuses a stream unseen gives its allowances back in steps of this. */
    private static final long PAUSE_NANOS = AbuseGuard.STEP_NANOS;

    /** When all that was spent will have come back. */
    private long wholeNanos;

    private long pausedUntilNanos;
    private long seen;

    /** A new connection's. */
    public ResetBudget(long nowNanos) {
        wholeNanos = nowNanos;
        pausedUntilNanos = nowNanos;
    }

    /** Takes notice of all unused streams that were reset so far: {@link HboneSession#unusedResets}. */
    public void spend(long unusedResets, long nowNanos) {
        long fresh = unusedResets - seen;
        if (fresh > 0) {
            seen = unusedResets;
            wholeNanos = nowNanos + Math.max(0, wholeNanos - nowNanos) + fresh * COST_NANOS;
        }
    }

    /** The peer refused a stream unseen. */
    public void refused(long nowNanos) {
        pausedUntilNanos = nowNanos + PAUSE_NANOS;
    }

    /** Returns for how long no stream should be opened; 0 when one may be opened now. */
    public long restNanos(long nowNanos) {
        long spent = wholeNanos - nowNanos - (BURST - 1) * COST_NANOS;
        return Math.max(0, Math.max(spent, pausedUntilNanos - nowNanos));
    }
}
