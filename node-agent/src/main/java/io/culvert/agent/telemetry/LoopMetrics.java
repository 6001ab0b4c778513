package io.culvert.agent.telemetry;

import io.culvert.agent.base.DataLoop;
import io.culvert.agent.base.LoopGroup;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;

/** How busy the threads are that carry traffic; read when asked for only. */
public final class LoopMetrics {
    private LoopMetrics() {}

    /** Adds the metrics of these loops and of the process's threads. */
    public static void addTo(Metrics metrics, LoopGroup loops) {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        metrics.gauge(Metric.LOOPS, sink -> sink.accept((double) loops.loops().size(), new String[0]));
        metrics.gauge(
                Metric.LOOP_PENDING_TASKS,
                sink -> loops.loops().forEach(loop -> sink.accept((double) loop.pendingTasks(), label(loop))));
        metrics.counters(Metric.LOOP_BUSY, sink -> loops.loops().forEach(loop -> busy(threads, loop, sink)));
        metrics.gauge(Metric.JVM_THREADS, sink -> sink.accept((double) threads.getThreadCount(), new String[0]));
    }

    /** A loop that waits uses no CPU, and one that works does little else. */
    private static void busy(ThreadMXBean threads, DataLoop loop, BiConsumer<Double, String[]> sink) {
        long nanos = threads.getThreadCpuTime(loop.threadId());
        if (nanos >= 0) {
            sink.accept(nanos / (double) TimeUnit.SECONDS.toNanos(1), label(loop));
        }
    }

    private static String[] label(DataLoop loop) {
        return new String[] {Integer.toString(loop.index())};
    }
}
