package io.culvert.agent.base;

import io.culvert.shim.ShimException;
import java.util.ArrayDeque;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One loop's pipes: lent through {@link PipeShare shares}, of which each pod has its own, while bytes are in them, so that a
 * connection at rest has none.
 *
 * <p>Runs on: its loop. Owns: every pipe not lent.
 *
 * <p>Bounds: {@value #PIPES_MAX} pipes, {@value #SHARE_PIPES_MAX} of one share: as many slow readers. What is idle for long is
 * closed, by halves. Whoever gets none carries bytes in buffers.
 */
public final class PipePool {
    static final int PIPES_MAX = 64;
    static final int SHARE_PIPES_MAX = PIPES_MAX / 4;

    private static final System.Logger LOG = System.getLogger(PipePool.class.getName());
    /** How long none is asked of the kernel once it refused one. */
    private static final long REFUSED_NANOS = TimeUnit.SECONDS.toNanos(10);

    /** Makes pipes. */
    @FunctionalInterface
    public interface Maker {
        Pipe make() throws ShimException;
    }

    private final Maker maker;
    private final Ticker ticker;
    private final ArrayDeque<Pipe> idle = new ArrayDeque<>();
    private final Set<PipeShare> hungry = new LinkedHashSet<>();
    private int made;
    /** How many have not been used since the last {@link #trim}. */
    private int untouched;

    private boolean refused;
    private long refusedAtNanos;

    /** An empty pool. */
    public PipePool(Maker maker, Ticker ticker) {
        this.maker = maker;
        this.ticker = ticker;
    }

    /** A claim on the pool, for somebody who must not starve the others. */
    public PipeShare share() {
        return new PipeShare(this);
    }

    @Nullable
    Pipe take() {
        Pipe used = idle.pollFirst();
        if (used != null) {
            untouched = Math.min(untouched, idle.size());
            return used;
        }
        boolean waits = refused && ticker.nanoTime() - refusedAtNanos < REFUSED_NANOS;
        return made < PIPES_MAX && !waits ? make() : null;
    }

    private @Nullable Pipe make() {
        try {
            Pipe fresh = maker.make();
            made++;
            refused = false;
            return fresh;
        } catch (ShimException e) {
            if (!refused) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "plaintext is carried in buffers, as there is no pipe to splice it through: {0}",
                        e.getMessage());
            }
            refused = true;
            refusedAtNanos = ticker.nanoTime();
            return null;
        }
    }

    /** One with bytes left in it is of no more use. */
    void keep(Pipe pipe) {
        if (pipe.bytes() > 0) {
            close(pipe);
        } else {
            idle.addFirst(pipe);
        }
        wake();
    }

    /** A share of whom somebody waits. */
    void hungry(PipeShare share) {
        hungry.add(share);
    }

    /** Tells one who waits of each share. */
    private void wake() {
        if (!hungry.isEmpty()) {
            hungry.removeIf(share -> !share.wakeOne());
        }
    }

    private void close(Pipe pipe) {
        made--;
        pipe.close();
    }

    /** Closes half of what has not been used since the last call; to be called every few seconds. */
    public void trim() {
        for (int left = (untouched + 1) / 2; left > 0; left--) {
            close(idle.removeLast());
        }
        untouched = idle.size();
        wake();
    }

    /** Closes what is idle, when the loop has ended. */
    void closeIdle() {
        while (!idle.isEmpty()) {
            close(idle.removeLast());
        }
        untouched = 0;
    }

    /** How many pipes are lent now. */
    public int lent() {
        return made - idle.size();
    }

    /** How many pipes there are, lent or idle. */
    public int made() {
        return made;
    }
}
