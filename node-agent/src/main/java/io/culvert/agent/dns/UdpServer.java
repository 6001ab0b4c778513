package io.culvert.agent.dns;

import io.culvert.agent.base.DataLoop;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.netty.channel.IoEvent;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.DatagramSocketAddress;
import io.netty.channel.unix.FileDescriptor;
import io.netty.channel.unix.Socket;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Takes queries by UDP.
 *
 * <p>Runs on: its loop; {@link #start} and {@link #close} on any. Owns: its descriptor. Bounds: {@link #QUERIES_PER_TURN_MAX}
 * per tick.
 */
final class UdpServer implements EpollIoHandle {
    private static final System.Logger LOG = System.getLogger(UdpServer.class.getName());
    private static final int QUERIES_PER_TURN_MAX = 64;
    private static final int WAITING_MAX = 1_024;

    private final Socket socket;
    private final IpPort own;
    private final DataLoop loop;
    private final PodResolver resolver;
    private @Nullable IoRegistration registration;
    private boolean closed;

    UdpServer(int fd, IpPort own, DataLoop loop, PodResolver resolver) {
        this.socket = new Socket(fd);
        this.own = own;
        this.loop = loop;
        this.resolver = resolver;
    }

    void start() {
        loop.execute(() -> {
            if (!closed) {
                IoRegistration registered = loop.register(this).getNow();
                registration = registered;
                registered.submit(EpollIoOps.EPOLLIN);
            }
        });
    }

    @Override
    public void handle(IoRegistration source, IoEvent event) {
        for (int i = 0; i < QUERIES_PER_TURN_MAX && !closed; i++) {
            try {
                if (!receive()) {
                    return;
                }
            } catch (IOException e) {
                LOG.log(System.Logger.Level.DEBUG, "a query could not be received", e);
            } catch (RuntimeException e) {
                LOG.log(System.Logger.Level.ERROR, "a DNS query was given up because of a fault in the agent", e);
            }
        }
    }

    private void receiveWaiting() throws IOException {
        boolean more = true;
        for (int i = 0; i < WAITING_MAX && more; i++) {
            more = receive();
        }
    }

    /** One query; false when there was none. */
    private boolean receive() throws IOException {
        ByteBuffer scratch = loop.relayScratch();
        DatagramSocketAddress from = socket.recvFrom(scratch, 0, scratch.capacity());
        if (from == null) {
            return false;
        }
        byte[] request = new byte[Math.max(0, from.receivedAmount())];
        scratch.get(0, request);
        if (!isOwn(from)) {
            resolver.resolve(request, DnsProtocol.UDP, new Answer(from));
        }
        return true;
    }

    /** Whoever makes us talk to ourselves would keep us busy for ever. */
    private boolean isOwn(InetSocketAddress from) {
        return from.getPort() == own.port()
                && IpAddress.ofBytes(from.getAddress().getAddress()).equals(own.ip());
    }

    private final class Answer implements PodResolver.Reply {
        private final InetSocketAddress to;

        Answer(InetSocketAddress to) {
            this.to = to;
        }

        @Override
        public void send(byte[] response) {
            ByteBuffer scratch = loop.relayScratch();
            if (closed || response.length > scratch.capacity()) {
                return;
            }
            scratch.put(0, response);
            try {
                // What the socket does not take now the client asks for again.
                int _ = socket.sendTo(scratch, 0, response.length, to.getAddress(), to.getPort());
            } catch (IOException e) {
                LOG.log(System.Logger.Level.DEBUG, () -> "an answer to " + to + " could not be sent: " + e);
            }
        }

        @Override
        public void nothing() {}
    }

    /** Takes no new queries; the answers to those under way still go out. */
    void drain() {
        loop.execute(() -> {
            if (closed) {
                return;
            }
            try {
                // Bound to hear from itself alone, it leaves new ones to whoever else has the port.
                boolean _ = socket.connect(UdpTry.address(own));
                receiveWaiting();
            } catch (IOException e) {
                LOG.log(System.Logger.Level.DEBUG, "a DNS socket goes on taking queries until it is closed", e);
            }
        });
    }

    @Override
    public void close() {
        loop.execute(() -> {
            if (closed) {
                return;
            }
            closed = true;
            try {
                socket.close();
            } catch (IOException e) {
                LOG.log(System.Logger.Level.DEBUG, "closing a DNS socket failed", e);
            }
            IoRegistration registered = registration;
            if (registered != null) {
                registered.cancel();
            }
        });
    }

    @Override
    public FileDescriptor fd() {
        return socket;
    }
}
