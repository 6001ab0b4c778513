package io.culvert.agent.telemetry.log;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import org.jctools.queues.MpscBlockingConsumerArrayQueue;
import org.jspecify.annotations.Nullable;

/**
 * Hands log entries from any thread to the writer.
 *
 * <p>Runs on: any; publishing never blocks.
 *
 * <p>Bounds: {@link #ENTRIES_MAX} entries, of which the last {@link #RESERVED} are for warnings and errors; further
 * ones are dropped and counted, since a loop that waits for standard output would stop every connection it carries.
 */
final class LogQueue extends Handler {
    static final int ENTRIES_MAX = 10_000;
    static final int RESERVED = 1_000;
    private static final int FLUSH_SECONDS_MAX = 2;

    private final MpscBlockingConsumerArrayQueue<LogRecord> entries = new MpscBlockingConsumerArrayQueue<>(ENTRIES_MAX);
    private final LongAdder dropped = new LongAdder();

    LogQueue() {
        setLevel(Level.ALL);
    }

    /** No entry; once the writer reaches it, everything before it is written. */
    static final class Mark extends LogRecord {
        private static final long serialVersionUID = 1L;
        private final transient CountDownLatch reached = new CountDownLatch(1);

        Mark() {
            super(Level.OFF, "");
        }

        void reach() {
            reached.countDown();
        }
    }

    @Override
    public void publish(LogRecord entry) {
        boolean grave = entry.getLevel().intValue() >= Level.WARNING.intValue();
        if (!entries.offerIfBelowThreshold(entry, grave ? ENTRIES_MAX : ENTRIES_MAX - RESERVED)) {
            dropped.increment();
        }
    }

    LogRecord take() throws InterruptedException {
        return entries.take();
    }

    @Nullable
    LogRecord poll() {
        return entries.poll();
    }

    void countDropped(int lines) {
        dropped.add(lines);
    }

    long dropped() {
        return dropped.sum();
    }

    /** Waits until what was published before is written, at most two seconds. */
    @Override
    public void flush() {
        Mark mark = new Mark();
        try {
            if (entries.offer(mark) && !mark.reached.await(FLUSH_SECONDS_MAX, TimeUnit.SECONDS)) {
                countDropped(1);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        flush();
    }
}
