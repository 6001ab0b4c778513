package io.culvert.systemtests.badinput;

import io.culvert.protocol.net.IpAddress;
import io.culvert.shim.ConnectSpec;
import io.culvert.shim.Errno;
import io.culvert.shim.ListenSpec;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import io.culvert.shim.SocketFactory;
import io.culvert.testkit.Deadline;
import io.culvert.testkit.Netns;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.unix.Errors;
import io.netty.channel.unix.Socket;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * One TCP connection in any namespace of a lab, made from this process, unmarked like an application's; every call has a time.
 *
 * <p>Runs on: one thread at a time. Owns: the descriptor.
 */
public final class PeerSocket implements AutoCloseable {
    private static final SocketFactory FACTORY = factory();
    private static final ConnectSpec SPEC = new ConnectSpec(0, ConnectSpec.Keepalive.OFF, 0, true);
    private static final Duration CONNECT_TIME_MAX = Duration.ofSeconds(5);
    private static final int RESET = 104;
    private static final long PAUSE_NANOS = 300_000;

    private final Socket socket;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(64 * 1024);

    private PeerSocket(int fd) {
        socket = new Socket(fd);
    }

    private static SocketFactory factory() {
        Epoll.ensureAvailability();
        try {
            return SocketFactory.open();
        } catch (ShimException e) {
            throw new UncheckedIOException(new IOException(e));
        }
    }

    /**
     * Connects; {@link ConnectException} says that the other end does not want to, or does not answer, {@link
     * PeerGoneException} that it accepted and was gone at once.
     */
    public static PeerSocket connect(Netns from, InetAddress to, int port) throws IOException {
        IpAddress target = IpAddress.ofBytes(to.getAddress());
        try (PodNetns netns = PodNetns.open(from.path())) {
            long started = FACTORY.connectTcp(netns, SPEC, target.high(), target.low(), port, 0, 0);
            PeerSocket opened = new PeerSocket(SocketFactory.fdOf(started));
            try {
                opened.awaitConnected();
                return opened;
            } catch (IOException e) {
                opened.close();
                throw e;
            }
        } catch (ShimException e) {
            throw failed(e.errno());
        }
    }

    /** A reset this early came from who had accepted. */
    private static IOException failed(int errno) {
        return errno == RESET
                ? new PeerGoneException(PeerGoneException.How.RST, "")
                : new ConnectException(Errno.describe(errno));
    }

    private void awaitConnected() throws IOException {
        Deadline deadline = Deadline.after(CONNECT_TIME_MAX);
        while (true) {
            int errno = connectError();
            if (errno != 0) {
                throw failed(errno);
            }
            if (socket.remoteAddress() != null) {
                return;
            }
            if (deadline.passed()) {
                throw new ConnectException("no answer, from " + socket.localAddress());
            }
            pause();
        }
    }

    private int connectError() throws IOException {
        try {
            return SocketFactory.connectError(socket.intValue());
        } catch (ShimException e) {
            throw new IOException(e);
        }
    }

    /** A listener on every address of a namespace. */
    public static Listener listen(Netns in, int port) {
        try (PodNetns netns = PodNetns.open(in.path())) {
            int fd = FACTORY.listenTcp(netns, new ListenSpec(0, 0, port, 128, ListenSpec.Transparency.NEVER, false, 0));
            return new Listener(new Socket(fd));
        } catch (ShimException e) {
            throw new UncheckedIOException(new IOException(e));
        }
    }

    /** A listening socket. Owns: its descriptor. */
    public static final class Listener implements AutoCloseable {
        private final Socket socket;
        private final byte[] peer = new byte[26];

        private Listener(Socket socket) {
            this.socket = socket;
        }

        /** The next connection; waits until the listener is closed, which ends in an exception. */
        public PeerSocket accept() throws IOException {
            while (true) {
                int fd = socket.accept(peer);
                if (fd >= 0) {
                    return new PeerSocket(fd);
                }
                pause();
            }
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    public static void pause() {
        LockSupport.parkNanos(PAUSE_NANOS);
    }

    /** Writes everything; the peer has to read it in time. */
    public void write(byte[] bytes) throws IOException {
        int written = writeSome(bytes, Duration.ofSeconds(10));
        if (written < bytes.length) {
            throw new IOException("the peer took only " + written + " of " + bytes.length + " bytes");
        }
    }

    /** Writes as much as is taken in the time; returns how much. */
    public int writeSome(byte[] bytes, Duration within) throws IOException {
        Deadline deadline = Deadline.after(within);
        int at = 0;
        while (at < bytes.length) {
            int length = Math.min(bytes.length - at, buffer.capacity());
            buffer.clear().put(bytes, at, length);
            int count = write(length);
            at += count;
            if (count == 0) {
                if (deadline.passed()) {
                    break;
                }
                pause();
            }
        }
        return at;
    }

    private int write(int length) throws IOException {
        try {
            return Math.max(0, socket.write(buffer, 0, length));
        } catch (Errors.NativeIoException e) {
            throw new PeerGoneException(PeerGoneException.How.RST, "");
        }
    }

    /** What came, empty when nothing did in time. */
    public byte[] read(Duration within) throws IOException {
        return readAtMost(buffer.capacity(), within);
    }

    /** Reads exactly so many bytes. */
    public byte[] readFully(int count, Duration within) throws IOException {
        Deadline deadline = Deadline.after(within);
        byte[] all = new byte[count];
        int at = 0;
        while (at < count) {
            byte[] some = readAtMost(count - at, deadline.remaining());
            if (some.length == 0 && deadline.passed()) {
                throw new IOException("only " + at + " of " + count + " bytes came in time");
            }
            System.arraycopy(some, 0, all, at, some.length);
            at += some.length;
        }
        return all;
    }

    private byte[] readAtMost(int count, Duration within) throws IOException {
        Deadline deadline = Deadline.after(within);
        while (true) {
            int got = readNow(count);
            if (got > 0) {
                byte[] bytes = new byte[got];
                buffer.get(0, bytes);
                return bytes;
            }
            if (got < 0) {
                throw new PeerGoneException(PeerGoneException.How.FIN, "");
            }
            if (deadline.passed()) {
                return new byte[0];
            }
            pause();
        }
    }

    private int readNow(int count) throws IOException {
        try {
            return socket.read(buffer, 0, Math.min(count, buffer.capacity()));
        } catch (Errors.NativeIoException e) {
            throw new PeerGoneException(PeerGoneException.How.RST, "");
        }
    }

    /** Reads until the other end closes in order, which must happen in time. */
    public byte[] readToEnd(Duration within) throws IOException {
        Deadline deadline = Deadline.after(within);
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        while (!deadline.passed()) {
            try {
                all.writeBytes(read(deadline.remaining()));
            } catch (PeerGoneException gone) {
                if (gone.how() != PeerGoneException.How.FIN) {
                    throw gone;
                }
                return all.toByteArray();
            }
        }
        throw new IOException("no end after " + within.toMillis() + " ms");
    }

    /** Reads and drops everything until the other end is gone, which must happen in time. */
    public PeerGoneException.How awaitEnd(Duration within) throws IOException {
        Deadline deadline = Deadline.after(within);
        try {
            while (!deadline.passed()) {
                read(deadline.remaining());
            }
        } catch (PeerGoneException gone) {
            return gone.how();
        }
        throw new AssertionError("the connection was still open after " + within.toMillis() + " ms");
    }

    public void shutdownWrite() throws IOException {
        socket.shutdown(false, true);
    }

    /** Closes with a RST. */
    public void reset() throws IOException {
        socket.setSoLinger(0);
        socket.close();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
