package io.culvert.agent.telemetry.log;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import org.jspecify.annotations.Nullable;

/**
 * Formats log entries and writes them, as many at once as are waiting.
 *
 * <p>Runs on: a thread of its own. Bounds: 64 entries in one write; an entry waits for {@value #GATHER_NANOS} ns at most
 * before it is written, as long as the output takes what it is given.
 */
final class LogWriter implements Runnable {
    private static final int BATCH_MAX = 64;
    private static final long GATHER_NANOS = 2_000_000;

    private final LogQueue queue;
    private final OutputStream out;
    private final LineFormat format;
    private long droppedTold;

    LogWriter(LogQueue queue, LineFormat format, OutputStream out) {
        this.queue = queue;
        this.format = format;
        this.out = out;
    }

    @Override
    public void run() {
        StringBuilder lines = new StringBuilder();
        try {
            while (!Thread.currentThread().isInterrupted()) {
                if (batch(queue.take(), lines) < BATCH_MAX) {
                    // Whoever logs next need not wake this thread then, which costs more than writing its line.
                    LockSupport.parkNanos(GATHER_NANOS);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private int batch(LogRecord first, StringBuilder lines) {
        lines.setLength(0);
        LogQueue.@Nullable Mark mark = null;
        LogRecord entry = first;
        int count = 0;
        while (entry != null) {
            if (entry instanceof LogQueue.Mark reached) {
                mark = reached;
                break;
            }
            append(entry, lines);
            count++;
            entry = count < BATCH_MAX ? queue.poll() : null;
        }
        tellDropped(lines);
        write(lines, count);
        if (mark != null) {
            mark.reach();
        }
        return count;
    }

    private void append(LogRecord entry, StringBuilder lines) {
        int start = lines.length();
        try {
            format.append(entry, lines);
        } catch (RuntimeException e) {
            // A parameter whose toString throws must not end the log.
            lines.setLength(start);
            queue.countDropped(1);
        }
    }

    private void tellDropped(StringBuilder lines) {
        long dropped = queue.dropped();
        if (dropped > droppedTold) {
            LogRecord notice = new LogRecord(Level.WARNING, dropped - droppedTold + " log lines were dropped");
            notice.setLoggerName("log");
            droppedTold = dropped;
            format.append(notice, lines);
        }
    }

    private void write(StringBuilder lines, int count) {
        if (lines.isEmpty()) {
            return;
        }
        try {
            out.write(lines.toString().getBytes(StandardCharsets.UTF_8));
            out.flush();
        } catch (IOException e) {
            queue.countDropped(count);
        }
    }
}
