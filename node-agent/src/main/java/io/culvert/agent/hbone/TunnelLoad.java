package io.culvert.agent.hbone;

import io.culvert.agent.base.Loop;
import java.util.concurrent.TimeUnit;

/**
 * Tells whether a tunnel is full of some streams' bytes, behind which the others of it wait.
 *
 * <p>Runs on: the tunnel's loop. Costs a subtraction for what is moved, and a look at the clock every {@link #STEP_BYTES}.
 */
final class TunnelLoad {
    static final int STEP_BYTES = 4 << 20;
    /** A step takes longer below 134 Mbit/s. */
    static final long STEP_NANOS_MAX = TimeUnit.MILLISECONDS.toNanos(250);

    private final Loop loop;
    private int left = STEP_BYTES;
    private long stepNanos;
    private long stepBeforeNanos;

    TunnelLoad(Loop loop) {
        this.loop = loop;
        this.stepNanos = loop.nanoTime() - 2 * STEP_NANOS_MAX;
        this.stepBeforeNanos = stepNanos - 2 * STEP_NANOS_MAX;
    }

    /** So many bytes of streams went one way or the other. */
    void moved(int bytes) {
        left -= bytes;
        if (left <= 0) {
            left = STEP_BYTES;
            stepBeforeNanos = stepNanos;
            stepNanos = loop.nanoTime();
        }
    }

    /** Whether the last step was a quick one, and not long ago. */
    boolean isHeavy() {
        return stepNanos - stepBeforeNanos <= STEP_NANOS_MAX && loop.nanoTime() - stepNanos <= STEP_NANOS_MAX;
    }
}
