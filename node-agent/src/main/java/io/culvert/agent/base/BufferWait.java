package io.culvert.agent.base;

import java.util.function.LongSupplier;

/**
 * Somebody who cannot go on without a buffer: told once when one may be had, and asks again if it is gone by then.
 *
 * <p>Runs on: its loop.
 */
public final class BufferWait {
    private final BufferShare share;
    private final Kind kind;
    private final Runnable goOn;
    private final LongSupplier standing;

    /** What it waits for. */
    enum Kind {
        RECORD,
        READ,
        SLACK
    }

    private BufferWait(BufferShare share, Kind kind, Runnable goOn, LongSupplier standing) {
        this.share = share;
        this.kind = kind;
        this.goOn = goOn;
        this.standing = standing;
    }

    /** Waits until {@link BufferShare#slack} is not 0. */
    public static BufferWait forSlack(BufferShare share, Runnable goOn) {
        return new BufferWait(share, Kind.SLACK, goOn, () -> 0);
    }

    /** Waits until {@link BufferShare#borrowForRecord} lends. */
    public static BufferWait forTunnel(BufferShare share, Runnable goOn) {
        return new BufferWait(share, Kind.RECORD, goOn, () -> 0);
    }

    /**
     * Waits until {@link BufferShare#mayRead}.
     *
     * @param standing how much memory it leaves waiting itself, in bytes
     */
    public static BufferWait forRead(BufferShare share, Runnable goOn, LongSupplier standing) {
        return new BufferWait(share, Kind.READ, goOn, standing);
    }

    /** Has it told, from the loop itself; without effect while it waits already. */
    public void begin() {
        share.await(this);
    }

    /** It is not told any more; without effect when it does not wait. */
    public void end() {
        share.forget(this);
    }

    Kind kind() {
        return kind;
    }

    long standing() {
        return standing.getAsLong();
    }

    void tell() {
        goOn.run();
    }
}
