package io.culvert.agent.base;

import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import java.util.List;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * The data path's event loops, {@code loop-0} to {@code loop-N}.
 *
 * <p>Runs on: any. Owns: the loops' threads, buffers and pipes; {@link #shutdown} ends them.
 */
public final class LoopGroup {
    private final MultiThreadIoEventLoopGroup executors;
    private final List<DataLoop> loops;
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicBoolean stopping = new AtomicBoolean();

    private LoopGroup(MultiThreadIoEventLoopGroup executors, List<DataLoop> loops) {
        this.executors = executors;
        this.loops = loops;
    }

    /**
     * Starts the loops.
     *
     * @param count 1..256
     * @param bufferBytesMax how much memory the buffers of one loop may take
     */
    public static LoopGroup start(int count, long bufferBytesMax) {
        AtomicInteger number = new AtomicInteger();
        ThreadFactory threads = task -> {
            Thread thread = new Thread(task, "loop-" + number.getAndIncrement());
            thread.setDaemon(true);
            return thread;
        };
        MultiThreadIoEventLoopGroup executors =
                new MultiThreadIoEventLoopGroup(count, threads, EpollIoHandler.newFactory());
        List<DataLoop> loops = IntStream.range(0, count)
                .mapToObj(index -> new DataLoop(executors.next(), index, bufferBytesMax))
                .toList();
        loops.forEach(DataLoop::trimForEver);
        closePipesAtTheEnd(executors, loops);
        return new LoopGroup(executors, loops);
    }

    private static void closePipesAtTheEnd(MultiThreadIoEventLoopGroup executors, List<DataLoop> loops) {
        executors
                .terminationFuture()
                .addListener(_ -> loops.forEach(loop -> loop.pipePool().closeIdle()));
    }

    /** What to do when a loop ends although nobody asked it to: whatever was on it is dead then. */
    public void onUnexpectedEnd(Consumer<String> told) {
        for (EventExecutor executor : executors) {
            executor.terminationFuture().addListener(_ -> {
                if (!stopping.get()) {
                    told.accept("an event loop has ended");
                }
            });
        }
    }

    public List<DataLoop> loops() {
        return loops;
    }

    /** The next loop, round robin. */
    public DataLoop next() {
        return loops.get(Math.floorMod(next.getAndIncrement(), loops.size()));
    }

    /** Ends the loops; what is still registered is closed. */
    public Future<?> shutdown() {
        stopping.set(true);
        return executors.shutdownGracefully(0, 2, TimeUnit.SECONDS);
    }
}
