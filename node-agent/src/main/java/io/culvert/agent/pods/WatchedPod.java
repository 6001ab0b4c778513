package io.culvert.agent.pods;

import io.culvert.agent.base.Ticker;
import io.culvert.agent.proxy.ServingProxy;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A pod that is served by us as far as its rules, and when these are to be looked at because something changed.
 *
 * <p>Runs on: one control thread. Owns: its watch. Bounds: one look in {@link #CALM_NANOS}, however often something changes.
 */
final class WatchedPod implements AutoCloseable {
    /** So long after a change whoever makes it may go on. */
    static final long SETTLE_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

    static final long CALM_NANOS = TimeUnit.SECONDS.toNanos(2);

    /** So often what was written is looked at again, and written again; then it is of no use, and its turn comes. */
    static final int CONFIRMED_MAX = 8;

    private final ServedPod pod;
    private final ServingProxy proxy;
    private final Path path;
    private final Ticker ticker;
    private Capture.@Nullable Watch watch;
    private boolean due;
    private long dueAt;
    private long calmAt;
    /** Looks in a row that wrote, while nothing was heard in between. */
    private int vain;

    WatchedPod(ServedPod pod, ServingProxy proxy, Path path, Ticker ticker) {
        this.pod = pod;
        this.proxy = proxy;
        this.path = path;
        this.ticker = ticker;
        this.calmAt = ticker.nanoTime();
    }

    ServedPod pod() {
        return pod;
    }

    ServingProxy proxy() {
        return proxy;
    }

    Path path() {
        return path;
    }

    /** Null where it cannot be watched. */
    Capture.@Nullable Watch watch() {
        return watch;
    }

    /** Takes over a watch. */
    void watch(Capture.Watch opened) {
        close();
        watch = opened;
    }

    /** Something changed: a look is due soon. */
    void changed() {
        vain = 0;
        if (!due) {
            lookAfter(SETTLE_NANOS);
        }
    }

    private void lookAfter(long nanos) {
        long now = ticker.nanoTime();
        due = true;
        dueAt = now + Math.max(nanos, calmAt - now);
    }

    /**
     * A look has ended.
     *
     * @param wrote whether it wrote the rules anew. Its own changes were heard away then, and with them what others did meanwhile:
     *     one who emptied what was just written, and empties it again, is not heard of any more
     */
    void looked(boolean wrote) {
        due = false;
        calmAt = ticker.nanoTime() + CALM_NANOS;
        if (!wrote) {
            vain = 0;
        } else if (vain < CONFIRMED_MAX) {
            vain++;
            lookAfter(CALM_NANOS);
        }
    }

    boolean isDue() {
        return due && dueAt - ticker.nanoTime() <= 0;
    }

    /** When the look that is due is, in the clock's nanoseconds. */
    long dueAt() {
        return dueAt;
    }

    @Override
    public void close() {
        if (watch != null) {
            watch.close();
            watch = null;
        }
    }
}
