package io.culvert.agent.grpc;

import io.grpc.ManagedChannel;
import io.netty.handler.ssl.SslContext;
import io.netty.util.ReferenceCountUtil;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A channel in use.
 *
 * <p>Owns: the channel and its TLS context; {@link #close} or {@link #retire} lets go of both, one of them once.
 */
public final class OpenChannel implements AutoCloseable {
    private static final long TERMINATION_SECONDS = 60;

    private final ManagedChannel channel;
    private final @Nullable SslContext tls;
    private final String rootsStamp;
    private final ExecutorService blocking;

    OpenChannel(ManagedChannel channel, @Nullable SslContext tls, String rootsStamp, ExecutorService blocking) {
        this.channel = channel;
        this.tls = tls;
        this.rootsStamp = rootsStamp;
        this.blocking = blocking;
    }

    public ManagedChannel channel() {
        return channel;
    }

    String rootsStamp() {
        return rootsStamp;
    }

    /** Lets calls under way end by themselves, and begins no further ones. */
    public void retire() {
        channel.shutdown();
        blocking.execute(this::release);
    }

    @Override
    public void close() {
        channel.shutdownNow();
        // Handshakes under way still use the context.
        blocking.execute(this::release);
    }

    private void release() {
        try {
            boolean ended = channel.awaitTermination(TERMINATION_SECONDS, TimeUnit.SECONDS);
            if (ended && tls != null) {
                ReferenceCountUtil.release(tls);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
