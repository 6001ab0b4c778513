package io.culvert.agent.proxy;

import io.culvert.agent.base.DataLoop;
import io.culvert.agent.base.LoopGroup;
import io.culvert.agent.base.Timer;
import io.netty.channel.IoEvent;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.FileDescriptor;
import io.netty.channel.unix.NativeInetAddress;
import io.netty.channel.unix.Socket;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A listening socket that spreads what it accepts over the loops.
 *
 * <p>Runs on: its loop; {@link #finish} and {@link #close} on any. Owns: its descriptor.
 *
 * <p>Bounds: {@link #ACCEPTS_PER_TURN_MAX} per tick; out of descriptors it rests for {@link #REST_NANOS}, since the
 * connection stays in the backlog and would spin the loop.
 */
public final class ListeningSocket implements EpollIoHandle {
    private static final System.Logger LOG = System.getLogger(ListeningSocket.class.getName());
    private static final int ACCEPTS_PER_TURN_MAX = 64;
    /** More than any backlog holds, so that those who connect without end do not keep it open. */
    private static final int LAST_ACCEPTS_MAX = 2_048;

    private static final long REST_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    /** Takes over what was accepted. */
    @FunctionalInterface
    public interface Acceptor {
        /** On the loop given; owns the descriptor from now on. */
        void onAccepted(DataLoop loop, int fd, InetSocketAddress peer);
    }

    private final String name;
    private final Socket socket;
    private final DataLoop loop;
    private final LoopGroup loops;
    private final Acceptor acceptor;
    /** Length and address of the last one who connected. */
    private final byte[] peer = new byte[26];

    private @Nullable IoRegistration registration;
    private boolean closed;

    public ListeningSocket(String name, int fd, LoopGroup loops, Acceptor acceptor) {
        this.name = name;
        this.socket = new Socket(fd);
        this.loops = loops;
        this.loop = loops.next();
        this.acceptor = acceptor;
    }

    /** Starts to accept. */
    public void start() {
        loop.execute(() -> {
            if (closed) {
                return;
            }
            Future<IoRegistration> registering = loop.register(this);
            registration = registering.getNow();
            resume();
        });
    }

    private void resume() {
        IoRegistration current = registration;
        if (!closed && current != null) {
            current.submit(EpollIoOps.EPOLLIN);
        }
    }

    @Override
    public void handle(IoRegistration source, IoEvent event) {
        for (int i = 0; i < ACCEPTS_PER_TURN_MAX && !closed; i++) {
            try {
                if (!acceptOne()) {
                    return;
                }
            } catch (IOException e) {
                rest(source, e);
                return;
            }
        }
    }

    /** False when nobody waits. */
    private boolean acceptOne() throws IOException {
        int fd = socket.accept(peer);
        if (fd < 0) {
            return false;
        }
        hand(loops.next(), fd, NativeInetAddress.address(peer, 1, peer[0]));
        return true;
    }

    private void hand(DataLoop to, int fd, InetSocketAddress from) {
        if (to == loop) {
            accepted(to, fd, from);
        } else {
            to.execute(() -> accepted(to, fd, from));
        }
    }

    private void accepted(DataLoop on, int fd, InetSocketAddress from) {
        try {
            acceptor.onAccepted(on, fd, from);
        } catch (RuntimeException | Error e) {
            LOG.log(
                    System.Logger.Level.ERROR,
                    "an accepted connection was given up because of a fault in the agent",
                    e);
        }
    }

    private void rest(IoRegistration source, IOException why) {
        LOG.log(System.Logger.Level.WARNING, () -> name + " cannot accept: " + why.getMessage());
        source.submit(EpollIoOps.NONE);
        // The registration is gone from epoll until then; submitting adds it again.
        Timer _ = loop.schedule(this::registerAgain, REST_NANOS);
    }

    private void registerAgain() {
        IoRegistration current = registration;
        if (!closed && current != null) {
            current.cancel();
            registration = loop.register(this).getNow();
            resume();
        }
    }

    /**
     * Accepts whoever has connected so far, then closes: closed right away, the kernel would reset them.
     *
     * @return completes, on some loop, once all that was accepted is with its acceptor
     */
    public CompletableFuture<Void> finish() {
        return CompletableFuture.runAsync(this::finishNow, loop::execute)
                .thenCompose(_ -> CompletableFuture.allOf(loops.loops().stream()
                        // Behind what was handed over there.
                        .map(each -> CompletableFuture.runAsync(() -> {}, each::execute))
                        .toArray(CompletableFuture[]::new)));
    }

    private void finishNow() {
        if (closed) {
            return;
        }
        try {
            int left = LAST_ACCEPTS_MAX;
            while (left > 0 && acceptOne()) {
                left--;
            }
        } catch (IOException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    () -> name + " closes before it has accepted all who had connected: " + e.getMessage());
        }
        closeNow();
    }

    /** Closes at once; who has connected and was not accepted is reset. */
    @Override
    public void close() {
        loop.execute(this::closeNow);
    }

    private void closeNow() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            socket.close();
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "closing a listener failed", e);
        }
        IoRegistration current = registration;
        if (current != null) {
            current.cancel();
        }
    }

    @Override
    public FileDescriptor fd() {
        return socket;
    }
}
