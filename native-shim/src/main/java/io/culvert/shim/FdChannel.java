package io.culvert.shim;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A Unix socket that carries whole messages (SOCK_SEQPACKET), each with at most one descriptor attached.
 *
 * <p>A timeout of null waits for ever; when one passes, the call fails with ETIMEDOUT. {@link #close} wakes a waiting call, which
 * then fails or reports the end.
 *
 * <p>Runs on: a control thread, at most one sending and one receiving; a waiting call keeps its carrier thread. Owns: its
 * descriptor, and a received one until {@link #takeFd}. Bounds: a message is at most {@link #messageBytesMax} long; a longer one
 * is an error (EMSGSIZE), as are two descriptors at once (EPROTO). Source: unix(7), cmsg(3).
 */
public final class FdChannel implements AutoCloseable {
    /** What {@link #receive} returns when the peer is gone. */
    public static final int END = -1;

    /** The longest message unless another bound is given. */
    public static final int MESSAGE_BYTES_MAX = 1024;

    private static final int BACKLOG = 16;
    private static final int OWNER_ONLY = 0600;

    private final SharedFd fd;
    private final int messageBytesMax;
    private final ByteBuffer outgoing;
    private final ByteBuffer incoming;
    private final AtomicInteger receivedFd = new AtomicInteger(-1);

    private FdChannel(int fd, int messageBytesMax) {
        this.fd = new SharedFd(fd);
        this.messageBytesMax = messageBytesMax;
        this.outgoing = ByteBuffer.allocateDirect(messageBytesMax);
        // Four bytes behind the message are where C writes the descriptor, so they are aligned as an int wants to be.
        this.incoming = ByteBuffer.allocateDirect(aligned(messageBytesMax) + Integer.BYTES)
                .order(ByteOrder.nativeOrder());
    }

    /** Listens at a path, for this user only; a socket file that nobody serves any more is replaced. */
    public static FdChannel listen(Path path) throws ShimException {
        int fd = NativeLibrary.CALLS.culvert_fdpass_listen(path.toString(), BACKLOG, OWNER_ONLY);
        return new FdChannel(checked("listen at " + path, fd), MESSAGE_BYTES_MAX);
    }

    public static FdChannel connect(Path path) throws ShimException {
        return connect(path, MESSAGE_BYTES_MAX);
    }

    public static FdChannel connect(Path path, int messageBytesMax) throws ShimException {
        Bounds.check("messageBytesMax", messageBytesMax, 1, 1 << 16);
        int fd = NativeLibrary.CALLS.culvert_fdpass_connect(path.toString());
        return new FdChannel(checked("connect to " + path, fd), messageBytesMax);
    }

    public FdChannel accept(@Nullable Duration timeout) throws ShimException {
        return accept(timeout, MESSAGE_BYTES_MAX);
    }

    public FdChannel accept(@Nullable Duration timeout, int peerMessageBytesMax) throws ShimException {
        Bounds.check("messageBytesMax", peerMessageBytesMax, 1, 1 << 16);
        int listener = fd.acquire("accept");
        try {
            int peer = NativeLibrary.CALLS.culvert_fdpass_accept(listener, millis(timeout));
            return new FdChannel(checked("accept", peer), peerMessageBytesMax);
        } finally {
            fd.release();
        }
    }

    public int messageBytesMax() {
        return messageBytesMax;
    }

    public void send(byte[] message, @Nullable Duration timeout) throws ShimException {
        send(ByteBuffer.wrap(message), -1, timeout);
    }

    /** Sends what remains in the buffer as one message. */
    public void send(ByteBuffer message, @Nullable Duration timeout) throws ShimException {
        send(message, -1, timeout);
    }

    /** Sends one message with a copy of a descriptor, which stays the caller's; -1 sends none. */
    public void send(ByteBuffer message, int passedFd, @Nullable Duration timeout) throws ShimException {
        int length = message.remaining();
        if (length > messageBytesMax) {
            throw new ShimException("sendmsg", Errno.EMSGSIZE);
        }
        int socket = fd.acquire("sendmsg");
        try {
            outgoing.clear().put(message);
            long address = MemorySegment.ofBuffer(outgoing.flip()).address();
            checked(
                    "sendmsg",
                    NativeLibrary.CALLS.culvert_fdpass_send(socket, address, length, passedFd, millis(timeout)));
        } finally {
            fd.release();
        }
    }

    /** Receives one message: its length, or {@link #END}. A descriptor that came with an earlier one and was not taken is closed. */
    public int receive(ByteBuffer into, @Nullable Duration timeout) throws ShimException {
        int capacity = Math.min(into.remaining(), messageBytesMax);
        int socket = fd.acquire("recvmsg");
        try {
            Fds.close(takeFd());
            int length = receiveInto(socket, capacity, millis(timeout));
            incoming.clear().limit(length);
            into.put(incoming);
            incoming.clear();
            return length == 0 ? END : length;
        } finally {
            fd.release();
        }
    }

    private int receiveInto(int socket, int capacity, int timeoutMillis) throws ShimException {
        int fdAt = aligned(messageBytesMax);
        long address = MemorySegment.ofBuffer(incoming.clear()).address();
        int length =
                NativeLibrary.CALLS.culvert_fdpass_receive(socket, address, capacity, address + fdAt, timeoutMillis);
        receivedFd.set(incoming.getInt(fdAt));
        if (fd.isClosed()) {
            // Whoever closed the channel may have looked for a descriptor before this one came.
            Fds.close(takeFd());
            throw new ShimException("recvmsg", Errno.EBADF);
        }
        return checked("recvmsg", length);
    }

    /** Whether a call is waiting or working on it now. */
    boolean inUse() {
        return fd.inUse();
    }

    /** Whether a descriptor came with the last message and was not taken. */
    public boolean hasFd() {
        return receivedFd.get() >= 0;
    }

    /** The descriptor that came with the last message, or -1; the caller owns it. */
    public int takeFd() {
        return receivedFd.getAndSet(-1);
    }

    @Override
    public void close() {
        if (!fd.beginClose()) {
            return;
        }
        NativeLibrary.CALLS.culvert_fdpass_shutdown(fd.number());
        Fds.close(takeFd());
        fd.release();
    }

    private static int aligned(int bytes) {
        return (bytes + 7) & -8;
    }

    private static int millis(@Nullable Duration timeout) {
        if (timeout == null) {
            return -1;
        }
        // Rounded up, or a timeout below a millisecond would not wait at all.
        long millis = timeout.plusNanos(999_999).toMillis();
        return Math.clamp(millis, 0, Integer.MAX_VALUE);
    }

    private static int checked(String call, int result) throws ShimException {
        if (result < 0) {
            throw new ShimException(call, -result);
        }
        return result;
    }
}
