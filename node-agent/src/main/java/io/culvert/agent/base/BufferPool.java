package io.culvert.agent.base;

import io.netty.util.internal.PlatformDependent;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;

/**
 * One loop's direct buffers for bytes that wait: lent through {@link BufferShare shares}, of which each pod has its own, and
 * given back at once.
 *
 * <p>Runs on: its loop. Owns: every buffer not lent.
 *
 * <p>Bounds: buffers lent and idle together stay within {@code bytesMax}, but for one {@link #LARGE} that is on its way from
 * one holder to the next. A quarter is the reserve of tunnels. Of either part no share holds more than is still free to all,
 * so that many hungry shares leave as much for one that comes later. What is idle for long is freed, by halves.
 */
public final class BufferPool {
    /** Holds a little. */
    public static final int SMALL = 4 * 1024;
    /** Holds a TLS record, whole or not. */
    public static final int RECORD = 20 * 1024;
    /** Holds one read's worth. */
    public static final int LARGE = Loop.READ_BYTES_MAX;

    private static final int RESERVE_SHARE = 4;
    /** How many of those who wait are told in one turn of the loop. */
    private static final int WAKES_PER_TURN_MAX = 64;

    /** Buffers of one size that nobody uses; the last one used is lent next, while the caches still know it. */
    static final class Size {
        private final int bytes;
        private final ArrayDeque<Chunk> idle = new ArrayDeque<>();
        /** How many have not been used since the last {@link #trim}. */
        private int untouched;

        private Size(int bytes) {
            this.bytes = bytes;
        }

        int bytes() {
            return bytes;
        }
    }

    /** How much of one part of the memory is lent. */
    static final class Part {
        private final long bytesMax;
        private long lent;

        private Part(long bytesMax) {
            this.bytesMax = bytesMax;
        }

        long bytesMax() {
            return bytesMax;
        }

        long free() {
            return bytesMax - lent;
        }

        void lend(int bytes) {
            lent += bytes;
        }

        void takeBack(int bytes) {
            Invariant.check(lent >= bytes, "only what was lent is given back");
            lent -= bytes;
        }
    }

    /** From the smallest to the largest. */
    private final List<Size> sizes = List.of(new Size(SMALL), new Size(RECORD), new Size(LARGE));

    private final Executor loop;
    private final long bytesMax;
    private final Part ordinary;
    private final Part reserve;
    private final Set<BufferShare> hungry = new LinkedHashSet<>();
    private final Runnable wake = this::wake;
    private boolean wakeRequested;
    private long made;

    /**
     * An empty pool.
     *
     * @param bytesMax how much memory it may take; 256 KiB at the least
     * @param loop runs a task after the one that runs now
     */
    public BufferPool(long bytesMax, Executor loop) {
        this.loop = loop;
        this.bytesMax = Math.max(4L * LARGE, bytesMax);
        this.reserve = new Part(this.bytesMax / RESERVE_SHARE);
        this.ordinary = new Part(this.bytesMax - this.bytesMax / RESERVE_SHARE);
    }

    /** A claim on the pool, for somebody who must not starve the others. */
    public BufferShare share() {
        return new BufferShare(this);
    }

    Part ordinary() {
        return ordinary;
    }

    Part reserve() {
        return reserve;
    }

    /** The smallest that holds so many bytes, otherwise the largest there is. */
    Size sizeFor(int wanted) {
        for (int i = 0; i < sizes.size() - 1; i++) {
            if (wanted <= sizes.get(i).bytes) {
                return sizes.get(i);
            }
        }
        return sizes.getLast();
    }

    /** The largest of which so many bytes allow one, from {@code size} downwards; the smallest when none is allowed. */
    Size within(long allowed, Size size) {
        for (int i = sizes.size() - 1; i > 0; i--) {
            Size smaller = sizes.get(i);
            if (smaller.bytes <= size.bytes && smaller.bytes <= allowed) {
                return smaller;
            }
        }
        return sizes.getFirst();
    }

    Chunk take(Size size) {
        Chunk used = size.idle.pollFirst();
        if (used != null) {
            size.untouched = Math.min(size.untouched, size.idle.size());
            return used;
        }
        for (int i = sizes.size() - 1; i >= 0 && made + size.bytes > bytesMax; i--) {
            freeIdle(sizes.get(i), made + size.bytes - bytesMax);
        }
        Chunk fresh = new Chunk(size);
        made += size.bytes;
        return fresh;
    }

    void keep(Chunk chunk) {
        if (made > bytesMax) {
            free(chunk);
        } else {
            chunk.size().idle.addFirst(chunk);
        }
        if (!hungry.isEmpty()) {
            requestWake();
        }
    }

    private void freeIdle(Size size, long bytes) {
        for (long left = bytes; left > 0 && !size.idle.isEmpty(); left -= size.bytes) {
            free(size.idle.removeLast());
        }
        size.untouched = Math.min(size.untouched, size.idle.size());
    }

    // The JVM frees a direct buffer only when its collector finds it; until then it would count against the limit.
    @SuppressWarnings("deprecation")
    private void free(Chunk chunk) {
        made -= chunk.size().bytes;
        PlatformDependent.freeDirectBuffer(chunk.bytes());
    }

    /** Frees half of what has not been used since the last call; to be called every few seconds. */
    public void trim() {
        for (Size size : sizes) {
            freeIdle(size, (size.untouched + 1) / 2 * (long) size.bytes);
            size.untouched = size.idle.size();
        }
    }

    /** A share of whom somebody waits. */
    void hungry(BufferShare share) {
        hungry.add(share);
    }

    private void requestWake() {
        if (!wakeRequested) {
            wakeRequested = true;
            loop.execute(wake);
        }
    }

    /** Tells those who wait, share by share, as long as there is something for them. */
    private void wake() {
        wakeRequested = false;
        int told = 0;
        boolean progress = true;
        while (progress && told < WAKES_PER_TURN_MAX) {
            progress = false;
            for (BufferShare share : new ArrayList<>(hungry)) {
                if (share.wakeOne()) {
                    progress = true;
                    told++;
                }
                if (!share.isHungry()) {
                    hungry.remove(share);
                }
            }
        }
        if (progress && !hungry.isEmpty()) {
            requestWake();
        }
    }

    /** How many bytes of buffers are lent now. */
    public long lentBytes() {
        return ordinary.lent + reserve.lent;
    }

    /** How many bytes of buffers there are, lent or idle. */
    public long madeBytes() {
        return made;
    }
}
