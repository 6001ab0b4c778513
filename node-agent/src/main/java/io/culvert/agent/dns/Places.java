package io.culvert.agent.dns;

import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A number of places, each also one of a larger number.
 *
 * <p>Runs on: any.
 */
final class Places {
    private final AtomicInteger taken = new AtomicInteger();
    private final int max;
    private final @Nullable Places ofThese;

    Places(int max, @Nullable Places ofThese) {
        this.max = max;
        this.ofThese = ofThese;
    }

    /** Takes a place; false when there is none. */
    boolean take() {
        if (taken.incrementAndGet() <= max && (ofThese == null || ofThese.take())) {
            return true;
        }
        taken.decrementAndGet();
        return false;
    }

    void giveBack() {
        taken.decrementAndGet();
        if (ofThese != null) {
            ofThese.giveBack();
        }
    }

    int taken() {
        return taken.get();
    }
}
