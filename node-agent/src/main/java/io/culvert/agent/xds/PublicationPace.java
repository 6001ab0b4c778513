package io.culvert.agent.xds;

/**
 * When the next snapshot is due: at once after a calm, otherwise so that publishing takes at most a fifth of the time, and no
 * change waits longer than {@link #WAIT_MAX_NANOS}. Of the last two publications the quicker one counts: a pause of the
 * collector that falls into one says nothing of the next.
 *
 * <p>Runs on: one thread; knows no clock.
 */
final class PublicationPace {
    static final long WAIT_MIN_NANOS = 20_000_000;
    static final long WAIT_MAX_NANOS = 100_000_000;
    private static final long SHARE = 4;

    private boolean published;
    private long lastEndNanos;
    private long lastTookNanos;
    private long waitNanos = WAIT_MIN_NANOS;

    /** A snapshot was built and published. */
    void published(long beginNanos, long endNanos) {
        long tookNanos = endNanos - beginNanos;
        long usualNanos = published ? Math.min(tookNanos, lastTookNanos) : tookNanos;
        published = true;
        lastEndNanos = endNanos;
        lastTookNanos = tookNanos;
        waitNanos = Math.clamp(usualNanos * SHARE, WAIT_MIN_NANOS, WAIT_MAX_NANOS);
    }

    /** How long what has changed has to wait still; 0 when it is due. */
    long waitNanos(long nowNanos) {
        return published ? Math.max(0, waitNanos - (nowNanos - lastEndNanos)) : 0;
    }
}
