package io.culvert.agent.dns;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * How much answers may be remembered, by number and bytes, all of it also part of a larger space.
 *
 * <p>Runs on: any.
 */
final class CacheSpace {
    private final AtomicInteger answers = new AtomicInteger();
    private final AtomicLong bytes = new AtomicLong();
    private final int answersMax;
    private final long bytesMax;
    private final @Nullable CacheSpace ofThis;

    CacheSpace(int answersMax, long bytesMax, @Nullable CacheSpace ofThis) {
        this.answersMax = answersMax;
        this.bytesMax = bytesMax;
        this.ofThis = ofThis;
    }

    /** Takes the space of an answer; false when there is none. */
    boolean take(int wanted) {
        int nowAnswers = answers.incrementAndGet();
        long nowBytes = bytes.addAndGet(wanted);
        if (nowAnswers <= answersMax && nowBytes <= bytesMax && (ofThis == null || ofThis.take(wanted))) {
            return true;
        }
        answers.decrementAndGet();
        bytes.addAndGet(-wanted);
        return false;
    }

    void giveBack(int taken) {
        answers.decrementAndGet();
        bytes.addAndGet(-taken);
        if (ofThis != null) {
            ofThis.giveBack(taken);
        }
    }

    int answers() {
        return answers.get();
    }

    long bytes() {
        return bytes.get();
    }
}
