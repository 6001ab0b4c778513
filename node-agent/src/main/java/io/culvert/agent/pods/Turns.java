package io.culvert.agent.pods;

import io.culvert.agent.base.Ticker;
import java.util.LinkedHashSet;
import java.util.NavigableSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Whose turn it is, where each of many has one in every round: the turns are spread evenly over it.
 *
 * <p>Runs on: one control thread.
 */
final class Turns {
    private static final long FIRST_NANOS_MAX = TimeUnit.SECONDS.toNanos(5);

    private final Ticker ticker;
    private final long roundNanos;
    private final long pauseNanosMax;
    private String last = "";
    private long turnAt;

    /**
     * Nobody's yet.
     *
     * @param roundNanos in which everybody has a turn
     * @param pauseNanosMax between two turns, where there are so few that turns may come more often than they must
     */
    Turns(Ticker ticker, long roundNanos, long pauseNanosMax) {
        this.ticker = ticker;
        this.roundNanos = roundNanos;
        this.pauseNanosMax = pauseNanosMax;
        this.turnAt = ticker.nanoTime() + firstNanos();
    }

    private long firstNanos() {
        return Math.min(FIRST_NANOS_MAX, pauseNanosMax);
    }

    /** Those of them whose turn has come since this was asked last, as many as may be taken; what is missed is not made up for. */
    Set<String> take(NavigableSet<String> all, int most) {
        Set<String> turns = new LinkedHashSet<>();
        long now = ticker.nanoTime();
        if (all.isEmpty()) {
            turnAt = now + firstNanos();
            return turns;
        }
        long pause = Math.min(pauseNanosMax, roundNanos / all.size());
        // There may be more of them than when it was set.
        turnAt = now + Math.min(turnAt - now, Math.max(pause, firstNanos()));
        for (int i = 0; i < most && turnAt - now <= 0 && i < all.size(); i++) {
            String next = all.higher(last);
            last = next == null ? all.first() : next;
            turns.add(last);
            turnAt += pause;
        }
        if (turnAt - now <= 0) {
            turnAt = now;
        }
        return turns;
    }
}
