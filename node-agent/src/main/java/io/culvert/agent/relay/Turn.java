package io.culvert.agent.relay;

import io.culvert.agent.base.Loop;

/**
 * Another go for one connection once the others had theirs: asked for as often as one likes, had once.
 *
 * <p>Runs on: its loop.
 */
public final class Turn implements Runnable {
    private static final System.Logger LOG = System.getLogger(Turn.class.getName());

    private final Loop loop;
    private final RelaySocket.Listener listener;
    private boolean awaited;

    /**
     * A turn.
     *
     * @param listener who is to be told as if its socket had become ready
     */
    public Turn(Loop loop, RelaySocket.Listener listener) {
        this.loop = loop;
        this.listener = listener;
    }

    /** Has the listener told after the events of this tick. */
    public void request() {
        if (!awaited) {
            awaited = true;
            loop.execute(this);
        }
    }

    @Override
    public void run() {
        awaited = false;
        boolean _ = tell(listener);
    }

    /** Tells of readiness; a fault of one connection must not reach the loop, which serves all the others; false when there was one. */
    static boolean tell(RelaySocket.Listener told) {
        try {
            told.onReady();
            return true;
        } catch (RuntimeException | Error e) {
            giveUp(told, e);
            return false;
        }
    }

    private static void giveUp(RelaySocket.Listener told, Throwable fault) {
        try {
            LOG.log(System.Logger.Level.ERROR, "a connection was given up because of a fault in the agent", fault);
            told.onFault(fault instanceof RuntimeException known ? known : new IllegalStateException(fault));
        } catch (RuntimeException | Error e) {
            LOG.log(System.Logger.Level.ERROR, "giving up a connection met another fault", e);
        }
    }
}
