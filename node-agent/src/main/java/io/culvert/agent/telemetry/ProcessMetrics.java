package io.culvert.agent.telemetry;

import com.sun.management.UnixOperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;

/**
 * What the process uses of its machine; read when asked for only.
 *
 * <p>Source: proc_pid_statm(5) for resident memory.
 */
public final class ProcessMetrics {
    private static final Path STATM = Path.of("/proc/self/statm");
    private static final int PAGE_BYTES = 4_096;

    private ProcessMetrics() {}

    /**
     * Adds the process's metrics.
     *
     * @param droppedLogLines how many log lines were dropped so far
     */
    public static void addTo(Metrics metrics, LongSupplier droppedLogLines) {
        metrics.gauge(Metric.OPEN_FDS, sink -> emit(sink, system().getOpenFileDescriptorCount()));
        metrics.gauge(Metric.MAX_FDS, sink -> emit(sink, system().getMaxFileDescriptorCount()));
        metrics.counter(Metric.CPU_SECONDS, () -> system().getProcessCpuTime() / (double) TimeUnit.SECONDS.toNanos(1));
        metrics.gauge(Metric.RESIDENT_MEMORY, ProcessMetrics::resident);
        metrics.gauge(Metric.JVM_MEMORY_USED, ProcessMetrics::memory);
        metrics.gauge(Metric.JVM_BUFFERS_USED, ProcessMetrics::buffers);
        metrics.counter(Metric.LOG_LINES_DROPPED, droppedLogLines::getAsLong);
    }

    private static UnixOperatingSystemMXBean system() {
        return ManagementFactory.getPlatformMXBean(UnixOperatingSystemMXBean.class);
    }

    private static void resident(BiConsumer<Double, String[]> sink) {
        try {
            String[] pages = Files.readString(STATM).split(" ");
            emit(sink, Double.parseDouble(pages[1]) * PAGE_BYTES);
        } catch (IOException e) {
            // Without /proc there is nothing to tell, and a metric without samples is left out.
        }
    }

    private static void memory(BiConsumer<Double, String[]> sink) {
        MemoryMXBean memory = ManagementFactory.getMemoryMXBean();
        emit(sink, memory.getHeapMemoryUsage().getUsed(), "heap");
        emit(sink, memory.getNonHeapMemoryUsage().getUsed(), "nonheap");
    }

    private static void buffers(BiConsumer<Double, String[]> sink) {
        for (BufferPoolMXBean pool : ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class)) {
            emit(sink, pool.getMemoryUsed(), pool.getName());
        }
    }

    private static void emit(BiConsumer<Double, String[]> sink, double value, String... labels) {
        sink.accept(value, labels);
    }

    private static void emit(BiConsumer<Double, String[]> sink, long value, String... labels) {
        sink.accept((double) value, labels);
    }
}
