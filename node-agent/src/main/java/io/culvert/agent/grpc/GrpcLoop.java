package io.culvert.agent.grpc;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;

/**
 * The one event loop of all channels to the mesh's servers, beside those of the data path, and virtual threads for what
 * blocks.
 *
 * <p>Owns: its threads; {@link #close} ends them.
 */
public final class GrpcLoop implements AutoCloseable {
    private final EventLoopGroup loop;
    private final ExecutorService blocking = Executors.newThreadPerTaskExecutor(
            Thread.ofVirtual().name("ctl-grpc-", 0).factory());

    public GrpcLoop() {
        ThreadFactory threads = task -> {
            Thread thread = new Thread(task, "ctl-grpc");
            thread.setDaemon(true);
            return thread;
        };
        this.loop = new MultiThreadIoEventLoopGroup(1, threads, EpollIoHandler.newFactory());
    }

    EventLoopGroup loop() {
        return loop;
    }

    ExecutorService blocking() {
        return blocking;
    }

    /** Ends the threads within two seconds, to be called when every channel is closed. */
    @Override
    public void close() {
        blocking.shutdown();
        loop.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(2, TimeUnit.SECONDS);
    }
}
