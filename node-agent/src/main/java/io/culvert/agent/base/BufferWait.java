package io.culvert.agent.base;

/**
 * Somebody who cannot go on without a buffer: told once when one may be had, and asks again if it is gone by then.
 *
 * <p>Runs on: its loop.
 */
public final class BufferWait {
    private final BufferShare share;
    private final boolean tunnel;
    private final Runnable goOn;

    private BufferWait(BufferShare share, boolean tunnel, Runnable goOn) {
        this.share = share;
        this.tunnel = tunnel;
        this.goOn = goOn;
    }

    /** Waits until {@link BufferShare#slack} is not 0. */
    public static BufferWait forSlack(BufferShare share, Runnable goOn) {
        return new BufferWait(share, false, goOn);
    }

    /** Waits until {@link BufferShare#borrowForRecord} lends. */
    public static BufferWait forTunnel(BufferShare share, Runnable goOn) {
        return new BufferWait(share, true, goOn);
    }

    /** Has it told, from the loop itself; without effect while it waits already. */
    public void begin() {
        share.await(this);
    }

    /** It is not told any more; without effect when it does not wait. */
    public void end() {
        share.forget(this);
    }

    boolean isTunnel() {
        return tunnel;
    }

    void tell() {
        goOn.run();
    }
}
