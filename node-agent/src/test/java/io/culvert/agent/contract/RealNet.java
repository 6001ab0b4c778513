package io.culvert.agent.contract;

import io.culvert.agent.base.DataLoop;
import io.culvert.agent.base.LoopGroup;
import io.culvert.agent.relay.Dialer;
import io.culvert.agent.relay.NetnsDialer;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.shim.Address;
import io.culvert.shim.ConnectSpec;
import io.culvert.shim.Fds;
import io.culvert.shim.ListenSpec;
import io.culvert.shim.ShimException;
import io.culvert.shim.SocketFactory;
import io.culvert.testkit.Eventually;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/** Real loops and sockets on the loopback address. */
final class RealNet implements AutoCloseable {
    private static final long BUFFER_BYTES_PER_LOOP = 64L << 20;
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final ConnectSpec OPTIONS = new ConnectSpec(0, ConnectSpec.Keepalive.OFF, 0, true);

    /** Something to do that may fail. */
    @FunctionalInterface
    interface Step {
        void run() throws Exception;
    }

    /** A listening descriptor and its address. */
    record Listening(int fd, IpPort address) {
        InetSocketAddress socketAddress() {
            return new InetSocketAddress(InetAddress.getLoopbackAddress(), address.port());
        }
    }

    /** An application's end of a connection, and the agent's. */
    record Accepted(Socket app, int fd) {}

    private final LoopGroup group;
    private final SocketFactory sockets;
    private final Listening entry;

    RealNet(int loops) {
        group = LoopGroup.start(loops, BUFFER_BYTES_PER_LOOP);
        try {
            sockets = SocketFactory.open();
        } catch (ShimException e) {
            throw new IllegalStateException(e);
        }
        entry = listen();
    }

    DataLoop loop(int index) {
        return group.loops().get(index);
    }

    /** Runs on a loop what may fail, and waits for it. */
    <T> T on(DataLoop loop, Callable<T> task) {
        CompletableFuture<T> done = new CompletableFuture<>();
        loop.execute(() -> {
            try {
                done.complete(task.call());
            } catch (Throwable e) {
                done.completeExceptionally(e);
            }
        });
        return await(done);
    }

    /** Runs on a loop what may fail and gives nothing back, and waits for it. */
    void run(DataLoop loop, Step step) {
        boolean _ = on(loop, () -> {
            step.run();
            return true;
        });
    }

    static <T> T await(CompletableFuture<T> future) {
        try {
            return future.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** A listener of the agent's kind. */
    Listening listen() {
        IpAddress own = IpAddress.V4_LOOPBACK;
        ListenSpec spec = new ListenSpec(own.high(), own.low(), 0, 128, ListenSpec.Transparency.NEVER, false, 0);
        try {
            int fd = sockets.listenTcp(null, spec);
            SocketFactory.tune(fd, OPTIONS);
            Address at = new Address();
            SocketFactory.localAddress(fd, at);
            return new Listening(fd, IpPort.of(at.high(), at.low(), at.port()));
        } catch (ShimException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Takes the next connection, which is there or on its way. */
    static int accept(Listening listening) {
        io.netty.channel.unix.Socket socket = new io.netty.channel.unix.Socket(listening.fd());
        int[] fd = {-1};
        Eventually.holds("a connection to accept", PATIENCE, () -> {
            fd[0] = socket.accept(new byte[26]);
            return fd[0] >= 0;
        });
        return fd[0];
    }

    /**
     * An application that connects.
     *
     * @param bufferBytes of its socket, 0 for the kernel's own
     */
    Accepted connect(int bufferBytes) {
        try {
            Socket app = new Socket();
            if (bufferBytes > 0) {
                app.setReceiveBufferSize(bufferBytes);
                app.setSendBufferSize(bufferBytes);
            }
            app.setTcpNoDelay(true);
            app.connect(entry.socketAddress());
            return new Accepted(app, accept(entry));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Connects from a loop; to be called on it. */
    void dial(DataLoop loop, IpPort target, Consumer<RelaySocket> then) {
        Runnable _ = dial(loop, target, new Dialer.Listener() {
            @Override
            public void onConnected(RelaySocket socket) {
                then.accept(socket);
            }

            @Override
            public void onDialFailed(boolean timedOut, String detail) {
                throw new AssertionError(detail);
            }
        });
    }

    /** Connects from a loop; to be called on it. */
    Runnable dial(DataLoop loop, IpPort target, Dialer.Listener listener) {
        return new NetnsDialer(loop, sockets, null, OPTIONS, PATIENCE.toNanos()).dial(target, null, listener);
    }

    /** How many bytes of buffers are lent, of all loops. */
    long lent() {
        return group.loops().stream()
                .mapToLong(loop -> on(loop, () -> loop.pool().lentBytes()))
                .sum();
    }

    /** How many pipes are lent, of all loops. */
    long pipesLent() {
        return group.loops().stream()
                .mapToLong(loop -> on(loop, () -> loop.pipePool().lent()))
                .sum();
    }

    /** How many pipes were made and not closed again, of all loops. */
    long pipesMade() {
        return group.loops().stream()
                .mapToLong(loop -> on(loop, () -> loop.pipePool().made()))
                .sum();
    }

    static void close(Listening listening) {
        Fds.close(listening.fd());
    }

    @Override
    public void close() {
        close(entry);
        sockets.close();
        if (!group.shutdown().awaitUninterruptibly(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
            throw new AssertionError("the loops did not end");
        }
    }
}
