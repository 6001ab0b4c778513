package io.culvert.agent.xds;

/**
 * When the next snapshot is due: at once after a calm, otherwise so that publishing takes at most a tenth of the time, and no
 * change waits longer than {@link #WAIT_MAX_NANOS}.
 *
 * <p>Runs on: one thread; knows no clock.
 */
final class PublicationPace {
    static final long WAIT_MIN_NANOS = 20_000_000;
    static final long WAIT_MAX_NANOS = 500_000_000;
    private static final long SHARE = 10;

    private boolean published;
    private long lastEndNanos;
    private long waitNanos = WAIT_MIN_NANOS;

    /** A snapshot was built and published. */
    void published(long beginNanos, long endNanos) {
        published = true;
        lastEndNanos = endNanos;
        waitNanos = Math.clamp((endNanos - beginNanos) * SHARE, WAIT_MIN_NANOS, WAIT_MAX_NANOS);
    }

    /** How long what has changed has to wait still; 0 when it is due. */
    long waitNanos(long nowNanos) {
        return published ? Math.max(0, waitNanos - (nowNanos - lastEndNanos)) : 0;
    }
}
