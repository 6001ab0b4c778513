package io.culvert.agent.dns;

import io.culvert.protocol.dns.DnsExchange;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.shim.Fds;
import io.culvert.shim.ShimException;
import io.culvert.shim.UdpSpec;
import io.netty.channel.IoEvent;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.FileDescriptor;
import io.netty.channel.unix.Socket;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * One datagram to one server, from a socket that takes datagrams from nobody else.
 *
 * <p>Bounds: {@link #STRANGERS_MAX} datagrams that answer something else.
 */
final class UdpTry extends UpstreamTry implements EpollIoHandle {
    private static final int STRANGERS_MAX = 64;
    private static final int READS_PER_TURN_MAX = 16;

    private @Nullable Socket socket;
    private @Nullable IoRegistration registration;
    private int strangers;

    UdpTry(NetUpstream.Surroundings surroundings, IpPort server, byte[] asked, Upstream.Listener listener) {
        super(surroundings, server, asked, listener);
    }

    @Override
    void begin() {
        try {
            Socket opened = open();
            socket = opened;
            boolean _ = opened.connect(address(server()));
            IoRegistration registered = surroundings().loop().register(this).getNow();
            registration = registered;
            registered.submit(EpollIoOps.EPOLLIN);
            send(opened);
        } catch (ShimException | IOException | IllegalStateException e) {
            fail(String.valueOf(e.getMessage()));
        }
    }

    private Socket open() throws ShimException {
        boolean v4 = server().ip().isV4();
        int fd = surroundings()
                .sockets()
                .bindUdp(
                        surroundings().netns(),
                        new UdpSpec(
                                0,
                                v4 ? IpAddress.V4_ANY.low() : 0,
                                0,
                                false,
                                surroundings().mark()));
        try {
            return new Socket(fd);
        } catch (RuntimeException e) {
            Fds.close(fd);
            throw e;
        }
    }

    static InetSocketAddress address(IpPort of) {
        try {
            return new InetSocketAddress(InetAddress.getByAddress(of.ip().toBytes()), of.port());
        } catch (UnknownHostException e) {
            throw new IllegalStateException("4 or 16 bytes are an address", e);
        }
    }

    private void send(Socket to) throws IOException {
        ByteBuffer scratch = surroundings().loop().relayScratch();
        scratch.put(asked()).flip();
        int sent = to.write(scratch, 0, scratch.limit());
        if (sent != asked().length) {
            fail("cannot be sent to");
        }
    }

    @Override
    public void handle(IoRegistration source, IoEvent event) {
        try {
            for (int i = 0; i < READS_PER_TURN_MAX && !isOver(); i++) {
                if (!receive()) {
                    return;
                }
            }
        } catch (IOException | RuntimeException e) {
            fail(String.valueOf(e.getMessage()));
        }
    }

    /** One datagram; false when there was none. */
    private boolean receive() throws IOException {
        Socket from = socket;
        if (from == null) {
            return false;
        }
        ByteBuffer scratch = surroundings().loop().relayScratch();
        int count = from.recv(scratch, 0, scratch.capacity());
        if (count == 0) {
            return false;
        }
        // Of an empty datagram, -1 is told.
        byte[] response = new byte[Math.max(0, count)];
        scratch.get(0, response);
        if (DnsExchange.answers(asked(), response)) {
            succeed(response);
        } else if (++strangers >= STRANGERS_MAX) {
            fail("answers what was not asked");
        }
        return true;
    }

    @Override
    void release() {
        Socket opened = socket;
        if (opened != null) {
            try {
                opened.close();
            } catch (IOException e) {
                // The kernel has let go of it all the same.
                socket = null;
            }
        }
        IoRegistration registered = registration;
        if (registered != null) {
            registered.cancel();
        }
    }

    @Override
    public void close() {
        cancel();
    }

    @Override
    public FileDescriptor fd() {
        Socket opened = socket;
        if (opened == null) {
            throw new IllegalStateException("registered without a socket");
        }
        return opened;
    }
}
