package io.culvert.agent.relay;

import io.culvert.agent.base.DataLoop;
import io.culvert.agent.base.KernelPipe;
import io.culvert.agent.base.Pipe;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.shim.Address;
import io.culvert.shim.Errno;
import io.culvert.shim.KernelTls;
import io.culvert.shim.ShimException;
import io.culvert.shim.SocketFactory;
import io.culvert.shim.Splice;
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
import java.nio.channels.NotYetConnectedException;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One connected TCP socket on a loop, edge-triggered: readiness is remembered here, so that pausing and resuming a
 * reader costs no system call. The number of a closed descriptor may be somebody else's already, so nothing is done with it
 * any more.
 *
 * <p>Runs on: its loop. Owns: the descriptor, closed once by {@link #close} or {@link #abort}.
 *
 * <p>Errors: a broken connection is an answer of {@link #read} and {@link #write}, never an exception.
 *
 * <p>Source: epoll(7), tcp(7).
 */
public final class TcpSocket implements EpollIoHandle, AcceptedSocket, TlsSocket {
    private static final int ERROR = EpollIoOps.EPOLLERR.value();
    private static final int HANG_UP = 0x10;
    private static final int READ_HANG_UP = EpollIoOps.EPOLLRDHUP.value();
    private static final int IN = EpollIoOps.EPOLLIN.value();
    private static final int OUT = EpollIoOps.EPOLLOUT.value();
    private static final int URGENT = 0x2;
    /** How the kernel says that the peer would have no more of it. */
    private static final Set<Integer> RESETS =
            Set.of(Errno.ECONNRESET.number(), Errno.EPIPE.number(), Errno.ENOTCONN.number());

    /** How it says that what came is no record of these keys. */
    private static final Set<Integer> NO_RECORD =
            Set.of(Errno.EBADMSG.number(), Errno.EMSGSIZE.number(), Errno.EINVAL.number());

    private static final EpollIoOps READING = EpollIoOps.EPOLLIN
            .with(EpollIoOps.EPOLLRDHUP)
            .with(EpollIoOps.valueOf(URGENT))
            .with(EpollIoOps.EPOLLET);
    private static final EpollIoOps READING_AND_WRITING = READING.with(EpollIoOps.EPOLLOUT);

    private final Socket socket;
    private final @Nullable InetSocketAddress peer;
    private @Nullable IoRegistration registration;
    private @Nullable Listener listener;
    private boolean readable;
    private boolean writable = true;
    private boolean awaitingWritable;
    private boolean readHungUp;
    private boolean urgentSeen;
    private boolean spliceRefused;
    private boolean errorSeen;
    /** The kernel reads records. */
    private boolean recordsRead;
    /** The kernel told that it met what is no record, which it tells once. */
    private boolean forged;
    /** The errno that was told; the kernel tells it once. */
    private int errno;

    private boolean closed;

    private TcpSocket(int fd, @Nullable InetSocketAddress peer) {
        this.socket = new Socket(fd);
        this.peer = peer;
    }

    /**
     * Takes over a connected, or connecting, non-blocking descriptor and registers it with the loop.
     *
     * @param fd owned by the result from now on, also when this fails
     */
    public static TcpSocket adopt(DataLoop loop, int fd) {
        return adopt(loop, new TcpSocket(fd, null));
    }

    /**
     * Takes over what was accepted.
     *
     * @param fd owned by the result from now on, also when this fails
     * @param peer who connected, as told on accepting: the kernel forgets it when the peer resets
     */
    public static TcpSocket adopt(DataLoop loop, int fd, InetSocketAddress peer) {
        return adopt(loop, new TcpSocket(fd, peer));
    }

    private static TcpSocket adopt(DataLoop loop, TcpSocket adopted) {
        Future<IoRegistration> registering = loop.register(adopted);
        if (!registering.isSuccess()) {
            adopted.close();
            throw new IllegalStateException("epoll did not take the descriptor", registering.cause());
        }
        adopted.registration = registering.getNow();
        adopted.submit(READING);
        return adopted;
    }

    @Override
    public void listener(Listener next) {
        listener = next;
    }

    @Override
    public void handle(IoRegistration source, IoEvent event) {
        int ops = ((EpollIoEvent) event).ops().value();
        boolean broken = (ops & (ERROR | HANG_UP)) != 0;
        errorSeen |= (ops & ERROR) != 0;
        readHungUp |= broken || (ops & READ_HANG_UP) != 0;
        urgentSeen |= (ops & URGENT) != 0;
        readable |= broken || (ops & (IN | READ_HANG_UP | URGENT)) != 0;
        if (broken || (ops & OUT) != 0) {
            writable = true;
            stopAwaitingWritable();
        }
        Listener told = listener;
        if (told != null && !closed && !Turn.tell(told)) {
            abort();
        }
    }

    @Override
    public boolean isReadable() {
        return readable && !closed;
    }

    @Override
    public boolean isWritable() {
        return writable && !closed;
    }

    @Override
    public boolean errorSeen() {
        return errorSeen;
    }

    @Override
    public int read(ByteBuffer into) {
        if (closed || forged) {
            return closed ? BROKEN : FORGED;
        }
        int wanted = into.remaining();
        try {
            int count = socket.read(into, into.position(), into.limit());
            if (count > 0) {
                into.position(into.position() + count);
                // A short read means that the receive queue is empty; the next edge tells of more (epoll(7)). But reads
                // also stop short of urgent data (tcp(7)), and of a record that is no data.
                readable = count == wanted || readHungUp || urgentSeen || recordsRead;
                return count;
            }
            readable = false;
            if (count < 0) {
                // A write may have taken the error already, and left this to look like the end.
                return errorSeen ? BROKEN : END;
            }
            return 0;
        } catch (IOException e) {
            int errno = errnoOf(e);
            return recordsRead && errno == Errno.EIO.number() ? CONTROL : brokeReading(errno);
        }
    }

    @Override
    public int write(ByteBuffer from) {
        if (closed) {
            return BROKEN;
        }
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
        } catch (IOException e) {
            return brokeWriting(errnoOf(e));
        }
        if (!writable) {
            awaitWritable();
        }
        return total;
    }

    @Override
    public boolean splices() {
        return true;
    }

    @Override
    public int read(Pipe into, int most) {
        if (closed || forged) {
            return closed ? BROKEN : FORGED;
        }
        if (urgentSeen || spliceRefused) {
            // Splicing stops short of urgent data for ever, where reading goes on behind it.
            return NOT_SPLICED;
        }
        int before = into.bytes();
        int moved = 0;
        try {
            do {
                int count = ((KernelPipe) into).fill(socket.intValue(), most - moved);
                if (count == Splice.AGAIN) {
                    // With something in it the pipe may be what is not ready.
                    readable &= before + moved > 0;
                    return moved;
                }
                if (count == 0) {
                    // The end, or urgent data with the end somewhere behind it: only reading tells.
                    spliceRefused = true;
                    return moved > 0 ? moved : NOT_SPLICED;
                }
                moved += count;
                // One record at a time.
            } while (recordsRead && moved < most);
            return moved;
        } catch (ShimException e) {
            int answer = notSpliced(e);
            return moved > 0 ? moved : answer;
        }
    }

    private int notSpliced(ShimException e) {
        if (recordsRead && e.is(Errno.EINVAL)) {
            return CONTROL;
        }
        // The kernel, or what guards it, may not have it for this socket; nothing was moved then.
        spliceRefused = e.is(Errno.EINVAL) || e.is(Errno.ENOSYS) || e.is(Errno.EPERM) || e.is(Errno.EACCES);
        return spliceRefused ? NOT_SPLICED : brokeReading(e.errno());
    }

    private int brokeReading(int with) {
        forged = recordsRead && NO_RECORD.contains(with);
        readable = forged;
        broke(with);
        return forged ? FORGED : BROKEN;
    }

    /** What came before is still there to be read. */
    private int brokeWriting(int with) {
        readable = true;
        broke(with);
        return BROKEN;
    }

    private void broke(int with) {
        errorSeen = true;
        // Whatever comes after the first is its consequence, as a broken pipe is.
        if (errno == 0) {
            errno = with;
        }
    }

    private static int errnoOf(IOException e) {
        return e instanceof Errors.NativeIoException told ? Math.abs(told.expectedErr()) : 0;
    }

    /** Asks the kernel for the error that no reading or writing has been told of yet. */
    private void askForError() {
        try {
            int told = socket.getSoError();
            if (told != 0) {
                broke(told);
            }
        } catch (IOException e) {
            broke(errnoOf(e));
        }
    }

    @Override
    public @Nullable String failure() {
        if (errno == 0 && !closed) {
            askForError();
        }
        if (errno == 0 || RESETS.contains(errno)) {
            return null;
        }
        return (peer == null ? "on the side that was dialled, " : "on the side that was accepted, ")
                + Errno.describe(errno);
    }

    @Override
    public int write(Pipe from) {
        if (closed) {
            return BROKEN;
        }
        int wanted = from.bytes();
        try {
            ((KernelPipe) from).empty(socket.intValue());
        } catch (ShimException e) {
            return brokeWriting(e.errno());
        }
        if (from.bytes() > 0) {
            awaitWritable();
        }
        return wanted - from.bytes();
    }

    @Override
    public void attachTls() throws ShimException {
        KernelTls.attach(openFd());
    }

    @Override
    public void sendKeys(KernelTls.Keys keys, long sequence) throws ShimException {
        KernelTls.sendKeys(openFd(), keys, sequence);
    }

    @Override
    public void receiveKeys(KernelTls.Keys keys, long sequence) throws ShimException {
        KernelTls.receiveKeys(openFd(), keys, sequence);
        recordsRead = true;
        // What has come already is told by no further edge.
        readable = true;
    }

    private int openFd() throws ShimException {
        if (closed) {
            throw new ShimException("setsockopt", Errno.EBADF);
        }
        return socket.intValue();
    }

    @Override
    public long readControl(byte[] into) {
        if (closed || forged) {
            return closed ? BROKEN : FORGED;
        }
        try {
            long received = KernelTls.receive(socket.intValue(), into);
            if (received == KernelTls.AGAIN) {
                readable = false;
                return 0;
            }
            if (received == KernelTls.END) {
                readable = false;
                return errorSeen ? BROKEN : END;
            }
            return received;
        } catch (ShimException e) {
            return brokeReading(e.errno());
        }
    }

    @Override
    public int writeControl(int type, byte[] octets) {
        if (closed) {
            return BROKEN;
        }
        try {
            if (KernelTls.send(socket.intValue(), type, octets)) {
                return octets.length;
            }
        } catch (ShimException e) {
            return brokeWriting(e.errno());
        }
        awaitWritable();
        return 0;
    }

    @Override
    public int writeAhead(ByteBuffer from) {
        if (closed) {
            return BROKEN;
        }
        int count = from.remaining();
        try {
            int sent = KernelTls.sendAhead(socket.intValue(), from);
            if (sent < count) {
                awaitWritable();
            }
            return sent;
        } catch (ShimException e) {
            return brokeWriting(e.errno());
        }
    }

    @Override
    public boolean isAcknowledged() {
        try {
            return closed || KernelTls.unsent(socket.intValue()) == 0;
        } catch (ShimException e) {
            return true;
        }
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

    @Override
    public void shutdownWrite() {
        if (closed) {
            return;
        }
        try {
            socket.shutdown(false, true);
        } catch (IOException | NotYetConnectedException e) {
            // Not connected any more, which Netty calls not yet: the reader learns of it by itself.
            readable = true;
        }
    }

    @Override
    public @Nullable InetSocketAddress remoteAddress() {
        return peer != null ? peer : closed ? null : socket.remoteAddress();
    }

    @Override
    public @Nullable InetSocketAddress localAddress() {
        return closed ? null : socket.localAddress();
    }

    @Override
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

    @Override
    public @Nullable IpPort originalDestination() throws ShimException {
        Address original = new Address();
        boolean tracked = SocketFactory.originalDestination(socket.intValue(), original);
        IpPort destination = IpPort.of(original.high(), original.low(), original.port());
        return tracked && !isOwn(destination) ? destination : null;
    }

    @Override
    public boolean isResetAlready() {
        if (!closed && !errorSeen) {
            askForError();
        }
        return errorSeen;
    }

    /** Connection tracking also knows connections that were dialled to us directly. */
    private boolean isOwn(IpPort destination) {
        InetSocketAddress own = localAddress();
        return own != null
                && own.getPort() == destination.port()
                && IpAddress.ofBytes(own.getAddress().getAddress()).equals(destination.ip());
    }

    @Override
    public boolean isClosed() {
        return closed;
    }

    @Override
    public FileDescriptor fd() {
        return socket;
    }
}
