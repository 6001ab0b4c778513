package io.culvert.agent.base;

import java.util.EnumMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
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

    /** What is lent of one part of the pool, for one purpose. */
    static final class Claim {
        private final BufferPool pool;
        private final BufferPool.Part part;
        private long lent;

        private Claim(BufferPool pool, BufferPool.Part part) {
            this.pool = pool;
            this.part = part;
        }

        private @Nullable Chunk borrow(BufferPool.Size wanted, long allowed) {
            BufferPool.Size size = pool.within(allowed, wanted);
            return size.bytes() <= allowed ? lend(size) : null;
        }

        private Chunk lend(BufferPool.Size size) {
            Chunk taken = pool.take(size);
            lent += size.bytes();
            part.lend(size.bytes());
            return taken.lentBy(this);
        }

        Chunk exchange(int wanted, BufferPool.Size given) {
            return lend(pool.within(given.bytes(), pool.sizeFor(wanted)));
        }

        void takeBack(Chunk chunk) {
            lent -= chunk.size().bytes();
            part.takeBack(chunk.size().bytes());
            pool.keep(chunk);
        }
    }

    /** So much may wait of one tunnel whatever waits of others: what is left of two streams. */
    static final int LITTLE = 2 * BufferPool.SMALL;
    /** What one read of a tunnel may need: a small buffer for each of many streams, and more for what it carries. */
    private static final long READ_NEEDS_MAX = 1 << 20;
    /** It never needs more than this part of a small pool. */
    private static final int READ_NEEDS_SHARE = 8;
    /** An eighth of all memory lent to one share, when nobody else holds any. */
    private static final int PRESSURE = 6;

    private final BufferPool pool;
    /** Of the ordinary part: bytes that wait for applications. */
    private final Claim standing;
    /** Of the same part: what tunnels need to go on, which comes back by itself. */
    private final Claim passing;

    private final Claim reserve;
    private final Map<BufferWait.Kind, Set<BufferWait>> waits = new EnumMap<>(BufferWait.Kind.class);

    BufferShare(BufferPool pool) {
        this.pool = pool;
        this.standing = new Claim(pool, pool.ordinary());
        this.passing = new Claim(pool, pool.ordinary());
        this.reserve = new Claim(pool, pool.reserve());
        for (BufferWait.Kind kind : BufferWait.Kind.values()) {
            waits.put(kind, new LinkedHashSet<>());
        }
    }

    private long lent() {
        return standing.lent + passing.lent;
    }

    /** No more than is left to all. */
    private long allowed() {
        return pool.ordinary().free() - lent();
    }

    private long allowedOfReserve() {
        return pool.reserve().free() - reserve.lent;
    }

    /** {@link Lender#borrow} for bytes that wait for a receiver. */
    public @Nullable Chunk borrow(int wanted) {
        return standing.borrow(pool.sizeFor(wanted), allowed());
    }

    /**
     * {@link Lender#borrow} for bytes that wait for an application and may have come by a tunnel: from the reserve when there
     * is nothing else, as {@link #mayRead} counts on.
     */
    public @Nullable Chunk borrowForReceived(int wanted) {
        Chunk lent = borrow(wanted);
        return lent == null ? reserve.borrow(pool.sizeFor(wanted), allowedOfReserve()) : lent;
    }

    /** {@link Lender#borrow} for what a tunnel needs to go on, from the reserve when there is nothing else. */
    public @Nullable Chunk borrowForTunnel(int wanted) {
        BufferPool.Size size = pool.sizeFor(wanted);
        Chunk lent = passing.borrow(size, allowed());
        return lent == null ? reserve.borrow(size, allowedOfReserve()) : lent;
    }

    /** A buffer that holds any TLS record; null when none may be lent. */
    public @Nullable Chunk borrowForRecord() {
        BufferPool.Size size = pool.sizeFor(BufferPool.RECORD);
        if (allowed() >= BufferPool.RECORD) {
            return passing.lend(size);
        }
        return allowedOfReserve() >= BufferPool.RECORD ? reserve.lend(size) : null;
    }

    /**
     * How many bytes may be read for a receiver that may not take them: one read's worth, less when much of the share is
     * lent, 0 when all is. As many can be borrowed at once.
     */
    public int slack() {
        long allowed = allowed();
        if (8 * lent() <= allowed && allowed >= BufferPool.LARGE) {
            return BufferPool.LARGE;
        }
        if (2 * lent() <= allowed && allowed >= BufferPool.RECORD) {
            return BufferPool.RECORD;
        }
        return allowed >= BufferPool.SMALL ? BufferPool.SMALL : 0;
    }

    /** How many bytes may already wait for a receiver whose sender is still read: 0 when memory is short. */
    public int pauseMark() {
        int slack = slack();
        return slack <= BufferPool.SMALL ? 1 : slack;
    }

    /**
     * Whether a tunnel may be read, because whatever a read brings can be kept should no application take it; the less waits
     * already, the less that is. Always while nothing waits, since then no application could make room.
     */
    public boolean isAmple() {
        long most = Math.min(READ_NEEDS_MAX, pool.ordinary().bytesMax() / READ_NEEDS_SHARE);
        long least = Math.min(2L * BufferPool.LARGE, most);
        return standing.lent == 0 || allowed() >= Math.clamp(standing.lent, least, most);
    }

    /**
     * Whether a tunnel may be read that leaves so much memory waiting itself: while that is {@link #LITTLE} others' masses must
     * not keep it from being read, so what it brings may take from the reserve. A little at a time, {@link #readMax}.
     */
    public boolean mayRead(long ownStanding) {
        return isAmple() || ownStanding <= LITTLE && isReserveAmple();
    }

    private boolean isReserveAmple() {
        return allowedOfReserve() >= Math.min(READ_NEEDS_MAX, pool.reserve().bytesMax() / READ_NEEDS_SHARE);
    }

    /** How many bytes a tunnel may read at once. */
    public int readMax() {
        return isAmple() ? Integer.MAX_VALUE : BufferPool.RECORD;
    }

    /** Whether so much waits already that peers should be asked to send less ahead. */
    public boolean isShort() {
        return PRESSURE * lent() > allowed();
    }

    void await(BufferWait wait) {
        waiting(wait.kind()).add(wait);
        pool.hungry(this);
    }

    void forget(BufferWait wait) {
        waiting(wait.kind()).remove(wait);
    }

    private Set<BufferWait> waiting(BufferWait.Kind kind) {
        return Objects.requireNonNull(waits.get(kind));
    }

    boolean isHungry() {
        for (Set<BufferWait> each : waits.values()) {
            if (!each.isEmpty()) {
                return true;
            }
        }
        return false;
    }

    /** Tells whoever has waited longest for what can be had now, tunnels first. */
    boolean wakeOne() {
        return Math.max(allowed(), allowedOfReserve()) >= BufferPool.RECORD && wakeOne(BufferWait.Kind.RECORD)
                || wakeReader()
                || allowed() >= BufferPool.SMALL && wakeOne(BufferWait.Kind.SLACK);
    }

    private boolean wakeReader() {
        return isAmple()
                ? wakeOne(BufferWait.Kind.READ)
                : isReserveAmple() && wakeOne(BufferWait.Kind.READ, wait -> wait.standing() <= LITTLE);
    }

    private boolean wakeOne(BufferWait.Kind kind) {
        return wakeOne(kind, wait -> true);
    }

    private boolean wakeOne(BufferWait.Kind kind, Predicate<BufferWait> which) {
        for (Iterator<BufferWait> eldest = waiting(kind).iterator(); eldest.hasNext(); ) {
            BufferWait told = eldest.next();
            if (which.test(told)) {
                eldest.remove();
                told.tell();
                return true;
            }
        }
        return false;
    }

    /** How many bytes of buffers are lent now. */
    public long lentBytes() {
        return lent() + reserve.lent;
    }
}
