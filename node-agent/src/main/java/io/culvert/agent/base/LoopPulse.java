package io.culvert.agent.base;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Whether the loops still turn: each is given a task every time one looks, and one that has not run it in time makes the agent
 * unready until it has.
 *
 * <p>Runs on: one control thread. Bounds: {@link #PATIENCE_NANOS}.
 */
public final class LoopPulse {
    static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(10);
    private static final System.Logger LOG = System.getLogger(LoopPulse.class.getName());

    private final List<Beat> beats;

    public LoopPulse(List<? extends Loop> loops, Readiness readiness, Ticker ticker) {
        this.beats = loops.stream()
                .map(loop -> new Beat("loop-" + loops.indexOf(loop), loop, readiness, ticker))
                .toList();
    }

    /** To be called again and again. */
    public void look() {
        beats.forEach(Beat::look);
    }

    private static final class Beat {
        private final String name;
        private final Loop loop;
        private final Readiness readiness;
        private final Ticker ticker;
        private volatile boolean answered = true;
        private long askedAt;
        private @Nullable Runnable recovered;

        Beat(String name, Loop loop, Readiness readiness, Ticker ticker) {
            this.name = name;
            this.loop = loop;
            this.readiness = readiness;
            this.ticker = ticker;
        }

        void look() {
            Runnable back = recovered;
            if (answered) {
                if (back != null) {
                    LOG.log(System.Logger.Level.WARNING, () -> name + " turns again");
                    back.run();
                    recovered = null;
                }
                answered = false;
                askedAt = ticker.nanoTime();
                loop.execute(() -> answered = true);
            } else if (back == null && ticker.nanoTime() - askedAt > PATIENCE_NANOS) {
                LOG.log(System.Logger.Level.ERROR, () -> name + " has stood still: its connections are not served");
                recovered = readiness.begin(name + " to turn again");
            }
        }
    }
}
