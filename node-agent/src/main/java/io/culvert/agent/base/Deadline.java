package io.culvert.agent.base;

import org.jspecify.annotations.Nullable;

/**
 * The time within which one step has to be done: at most one timer runs.
 *
 * <p>Runs on: its loop.
 */
public final class Deadline {
    private @Nullable Timer running;

    /** Starts it, in place of one that may be running. */
    public void start(Loop loop, Runnable onMissed, long delayNanos) {
        cancel();
        running = loop.schedule(onMissed, delayNanos);
    }

    /** The step is done, or of no interest any more. */
    public void cancel() {
        Timer timer = running;
        running = null;
        if (timer != null) {
            timer.cancel();
        }
    }

    /** Whether it was started and not cancelled; it may have been missed. */
    public boolean isSet() {
        return running != null;
    }
}
