package io.culvert.agent.relay;

import io.culvert.agent.base.DataLoop;
import io.netty.channel.IoEvent;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoEvent;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.Errors;
import io.netty.channel.unix.FileDescriptor;
import io.netty.channel.unix.Socket;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * One connected TCP socket on a loop, edge-triggered: readiness is remembered here, so that pausing and resuming a
 * reader costs no system call.
 *
 * <p>Runs on: its loop. Owns: the descriptor, closed once by {@link #close} or {@link #abort}.
 *
 * <p>Errors: a broken connection is an answer of {@link #read} and {@link #write}, never an exception.
 *
 * <p>Source: epoll(7), tcp(7).
 */
public final class TcpSocket implements EpollIoHandle {
    /** {@link #read}: the peer has ended its direction. */
    public static final int END = -1;
    /** {@link #read} and {@link #write}: the connection is broken. */
    public static final int BROKEN = -2;

    private static final System.Logger LOG = System.getLogger(TcpSocket.class.getName());
    private static final int ERROR = EpollIoOps.EPOLLERR.value();
    private static final int HANG_UP = 0x10;
    private static final int READ_HANG_UP = EpollIoOps.EPOLLRDHUP.value();
    private static final int IN = EpollIoOps.EPOLLIN.value();
    private static final int OUT = EpollIoOps.EPOLLOUT.value();
    private static final EpollIoOps READING =
            EpollIoOps.EPOLLIN.with(EpollIoOps.EPOLLRDHUP).with(EpollIoOps.EPOLLET);
    private static final EpollIoOps READING_AND_WRITING = READING.with(EpollIoOps.EPOLLOUT);

    /** Told of readiness; reads and writes until the socket says that it is not ready. */
    @FunctionalInterface
    public interface Listener {
        void onReady();

        /** {@link #onReady} threw: we are wrong, and this connection must not go on. */
        default void onFault(RuntimeException fault) {}
    }

    private final Socket socket;
    private @Nullable IoRegistration registration;
    private @Nullable Listener listener;
    private boolean readable;
    private boolean writable = true;
    private boolean awaitingWritable;
    private boolean readHungUp;
    private boolean errorSeen;
    private boolean closed;
    private int brokenErrno;

    private TcpSocket(int fd) {
        socket = new Socket(fd);
    }

    /**
     * Takes over a connected, or connecting, non-blocking descriptor and registers it with the loop.
     *
     * @param fd owned by the result from now on, also when this fails
     */
    public static TcpSocket adopt(DataLoop loop, int fd, Listener listener) {
        TcpSocket adopted = new TcpSocket(fd);
        adopted.listener = listener;
        Future<IoRegistration> registering = loop.register(adopted);
        if (!registering.isSuccess()) {
            adopted.close();
            throw new IllegalStateException("epoll did not take the descriptor", registering.cause());
        }
        adopted.registration = registering.getNow();
        adopted.submit(READING);
        return adopted;
    }

    public void listener(Listener next) {
        listener = next;
    }

    @Override
    public void handle(IoRegistration source, IoEvent event) {
        int ops = ((EpollIoEvent) event).ops().value();
        boolean broken = (ops & (ERROR | HANG_UP)) != 0;
        errorSeen |= (ops & ERROR) != 0;
        readHungUp |= broken || (ops & READ_HANG_UP) != 0;
        readable |= broken || (ops & (IN | READ_HANG_UP)) != 0;
        if (broken || (ops & OUT) != 0) {
            writable = true;
            stopAwaitingWritable();
        }
        Listener told = listener;
        if (told != null && !closed) {
            tell(told);
        }
    }

    /** A fault of one connection must not reach the loop, which serves all the others. */
    private void tell(Listener told) {
        try {
            told.onReady();
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "a connection was given up because of a fault in the agent", e);
            told.onFault(e);
            abort();
        }
    }

    /** Whether {@link #read} may find something: bytes, the end, or the news that the connection broke. */
    public boolean isReadable() {
        return readable && !closed;
    }

    /** Whether the last {@link #write} was taken whole. */
    public boolean isWritable() {
        return writable && !closed;
    }

    /** Whether epoll has reported an error: what is still unread comes first, then {@link #BROKEN}. */
    public boolean errorSeen() {
        return errorSeen;
    }

    /**
     * Reads once into the buffer's remaining space.
     *
     * @return bytes read, 0 for nothing now, {@link #END} or {@link #BROKEN}
     */
    public int read(ByteBuffer into) {
        int wanted = into.remaining();
        try {
            int count = socket.read(into, into.position(), into.limit());
            if (count > 0) {
                into.position(into.position() + count);
                // A short read means that the receive queue is empty; the next edge tells of more (epoll(7)).
                readable = count == wanted || readHungUp;
                return count;
            }
            readable = false;
            if (count < 0) {
                return errorSeen ? broken(0) : END;
            }
            return 0;
        } catch (Errors.NativeIoException e) {
            return broken(e.expectedErr());
        } catch (IOException e) {
            return broken(0);
        }
    }

    /**
     * Writes the buffer's remaining bytes as far as the kernel takes them.
     *
     * @return bytes taken, possibly fewer than remained, or {@link #BROKEN}
     */
    public int write(ByteBuffer from) {
        int total = 0;
        try {
            while (from.hasRemaining()) {
                int count = socket.write(from, from.position(), from.limit());
                if (count <= 0) {
                    writable = false;
                    break;
                }
                from.position(from.position() + count);
                total += count;
                if (from.hasRemaining()) {
                    writable = false;
                    break;
                }
            }
        } catch (Errors.NativeIoException e) {
            return broken(e.expectedErr());
        } catch (IOException e) {
            return broken(0);
        }
        if (!writable) {
            awaitWritable();
        }
        return total;
    }

    /** Asks to be told when the socket is writable, or when a connection attempt has ended. */
    public void awaitWritable() {
        writable = false;
        if (!awaitingWritable) {
            awaitingWritable = true;
            submit(READING_AND_WRITING);
        }
    }

    private void stopAwaitingWritable() {
        if (awaitingWritable && !closed) {
            awaitingWritable = false;
            submit(READING);
        }
    }

    private void submit(EpollIoOps ops) {
        IoRegistration current = registration;
        if (current != null && current.isValid()) {
            current.submit(ops);
        }
    }

    private int broken(int negativeErrno) {
        readable = false;
        errorSeen = true;
        if (brokenErrno == 0) {
            brokenErrno = -negativeErrno;
        }
        return BROKEN;
    }

    /** The errno of the first failure, 0 when there was none or it is unknown. */
    public int brokenErrno() {
        return brokenErrno;
    }

    /** Ends our direction: the peer reads the end after all that was written. */
    public void shutdownWrite() {
        try {
            socket.shutdown(false, true);
        } catch (IOException e) {
            // Not connected any more: the reader learns of it by itself.
            readable = true;
        }
    }

    /** The peer's address, or null when the socket is not connected. */
    public @Nullable InetSocketAddress remoteAddress() {
        return closed ? null : socket.remoteAddress();
    }

    /** Our own address, or null when the socket is closed. */
    public @Nullable InetSocketAddress localAddress() {
        return closed ? null : socket.localAddress();
    }

    /** Closes with a TCP RST, unread and unsent bytes dropped. */
    public void abort() {
        if (!closed) {
            try {
                socket.setSoLinger(0);
            } catch (IOException e) {
                // Closing unlinked from the peer all the same.
                errorSeen = true;
            }
            close();
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        listener = null;
        try {
            socket.close();
        } catch (IOException e) {
            errorSeen = true;
        }
        // After the descriptor is closed: the kernel has taken it out of epoll already, which saves a call.
        IoRegistration current = registration;
        if (current != null) {
            current.cancel();
        }
    }

    public boolean isClosed() {
        return closed;
    }

    @Override
    public FileDescriptor fd() {
        return socket;
    }
}
