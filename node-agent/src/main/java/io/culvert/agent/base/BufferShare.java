package io.culvert.agent.base;

import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What one pod may borrow of its loop's {@link BufferPool}.
 *
 * <p>Runs on: its loop. Bounds: no more than is still free to all; a tunnel's own needs are met from the reserve beyond that,
 * by the same rule. The more a share holds, the less one connection may still have waiting: {@link #slack}.
 */
public final class BufferShare {
    /** Lends buffers. */
    @FunctionalInterface
    public interface Lender {
        /** A buffer for so many bytes, or a smaller one when those are short; null when none may be lent. */
        @Nullable
        Chunk borrow(int wanted);
    }

    /** What is lent of one part of the pool. */
    static final class Claim {
        private final BufferPool pool;
        private final BufferPool.Part part;
        private long lent;

        private Claim(BufferPool pool, BufferPool.Part part) {
            this.pool = pool;
            this.part = part;
        }

        /** No more than is left to all. */
        private long allowed() {
            return part.free() - lent;
        }

        private @Nullable Chunk borrow(BufferPool.Size wanted) {
            BufferPool.Size size = pool.within(allowed(), wanted);
            return size.bytes() <= allowed() ? lend(size) : null;
        }

        private Chunk lend(BufferPool.Size size) {
            lent += size.bytes();
            part.lend(size.bytes());
            return pool.take(size).lentBy(this);
        }

        void takeBack(Chunk chunk) {
            lent -= chunk.size().bytes();
            part.takeBack(chunk.size().bytes());
            pool.keep(chunk);
        }
    }

    private final BufferPool pool;
    private final Claim ordinary;
    private final Claim reserve;
    private final Set<BufferWait> waits = new LinkedHashSet<>();
    private final Set<BufferWait> tunnelWaits = new LinkedHashSet<>();

    BufferShare(BufferPool pool) {
        this.pool = pool;
        this.ordinary = new Claim(pool, pool.ordinary());
        this.reserve = new Claim(pool, pool.reserve());
    }

    /** {@link Lender#borrow} for bytes that wait for an application. */
    public @Nullable Chunk borrow(int wanted) {
        return ordinary.borrow(pool.sizeFor(wanted));
    }

    /** {@link Lender#borrow} for what a tunnel needs to go on, from the reserve when there is nothing else. */
    public @Nullable Chunk borrowForTunnel(int wanted) {
        BufferPool.Size size = pool.sizeFor(wanted);
        Chunk lent = ordinary.borrow(size);
        return lent == null ? reserve.borrow(size) : lent;
    }

    /** A buffer that holds any TLS record; null when none may be lent. */
    public @Nullable Chunk borrowForRecord() {
        Claim lender = ordinary.allowed() >= BufferPool.RECORD ? ordinary : reserve;
        return lender.allowed() >= BufferPool.RECORD ? lender.lend(pool.sizeFor(BufferPool.RECORD)) : null;
    }

    /** {@link Lender#borrow} by somebody who gives as large a buffer back in the same call chain; never null. */
    public Chunk exchange(int wanted) {
        Chunk lent = borrowForTunnel(wanted);
        return lent == null ? reserve.lend(pool.sizeFor(wanted)) : lent;
    }

    /**
     * How many bytes may be read for a receiver that may not take them: one read's worth, less when much of the share is
     * lent, 0 when all is. As many can be borrowed at once.
     */
    public int slack() {
        long allowed = ordinary.allowed();
        if (8 * ordinary.lent <= allowed && allowed >= BufferPool.LARGE) {
            return BufferPool.LARGE;
        }
        if (2 * ordinary.lent <= allowed && allowed >= BufferPool.RECORD) {
            return BufferPool.RECORD;
        }
        return allowed >= BufferPool.SMALL ? BufferPool.SMALL : 0;
    }

    /** How many bytes may already wait for a receiver whose sender is still read: 0 when memory is short. */
    public int pauseMark() {
        int slack = slack();
        return slack <= BufferPool.SMALL ? 1 : slack;
    }

    void await(BufferWait wait) {
        (wait.isTunnel() ? tunnelWaits : waits).add(wait);
        pool.hungry(this);
    }

    void forget(BufferWait wait) {
        (wait.isTunnel() ? tunnelWaits : waits).remove(wait);
    }

    boolean isHungry() {
        return !waits.isEmpty() || !tunnelWaits.isEmpty();
    }

    /** Tells whoever has waited longest for what can be had now, tunnels first. */
    boolean wakeOne() {
        boolean forRecord = Math.max(ordinary.allowed(), reserve.allowed()) >= BufferPool.RECORD;
        return forRecord && wakeOne(tunnelWaits) || ordinary.allowed() >= BufferPool.SMALL && wakeOne(waits);
    }

    private static boolean wakeOne(Set<BufferWait> among) {
        Iterator<BufferWait> eldest = among.iterator();
        if (!eldest.hasNext()) {
            return false;
        }
        BufferWait told = eldest.next();
        eldest.remove();
        told.tell();
        return true;
    }

    /** How many bytes of buffers are lent now. */
    public long lentBytes() {
        return ordinary.lent + reserve.lent;
    }
}
