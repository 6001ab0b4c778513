package io.culvert.systemtests.handover;

import io.culvert.protocol.net.IpAddress;
import io.culvert.shim.ConnectSpec;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import io.culvert.shim.SocketFactory;
import io.culvert.shim.UdpSpec;
import io.culvert.testkit.Deadline;
import io.culvert.testkit.Netns;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.unix.Socket;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;

/** A pod's resolver library: asks a server that it believes in, unmarked like every application. */
final class DnsProbe {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final long PAUSE_NANOS = 300_000;
    private static final int PORT = 53;
    static final SocketFactory FACTORY = factory();

    private DnsProbe() {}

    private static SocketFactory factory() {
        Epoll.ensureAvailability();
        try {
            return SocketFactory.open();
        } catch (ShimException e) {
            throw new AssertionError(e);
        }
    }

    /** The answer by UDP, which must come from the server that was asked. */
    static byte[] udp(Netns from, InetAddress server, byte[] query) throws IOException {
        long any = server.getAddress().length == 4 ? 0xffff_0000_0000L : 0;
        try (PodNetns netns = PodNetns.open(from.path())) {
            Socket socket = new Socket(FACTORY.bindUdp(netns, new UdpSpec(0, any, 0, false, 0)));
            try {
                boolean _ = socket.connect(new InetSocketAddress(server, PORT));
                ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 16);
                buffer.put(query).flip();
                int _ = socket.write(buffer, 0, query.length);
                int length = read(socket, buffer.clear(), 0);
                byte[] answer = new byte[length];
                buffer.get(0, answer);
                return answer;
            } finally {
                socket.close();
            }
        } catch (ShimException e) {
            throw new IOException(e);
        }
    }

    private static int read(Socket socket, ByteBuffer into, int from) throws IOException {
        Deadline deadline = Deadline.after(PATIENCE);
        while (!deadline.passed()) {
            int count = socket.read(into, from, into.capacity());
            if (count != 0) {
                return count;
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
        throw new IOException("nobody answers");
    }

    /** The answer by TCP. */
    static byte[] tcp(Netns from, InetAddress server, byte[] query) throws IOException {
        IpAddress to = IpAddress.ofBytes(server.getAddress());
        try (PodNetns netns = PodNetns.open(from.path())) {
            long started = FACTORY.connectTcp(
                    netns, new ConnectSpec(0, ConnectSpec.Keepalive.OFF, 0, true), to.high(), to.low(), PORT, 0, 0);
            Socket socket = new Socket(SocketFactory.fdOf(started));
            try {
                return exchange(socket, query);
            } finally {
                socket.close();
            }
        } catch (ShimException e) {
            throw new IOException(e);
        }
    }

    private static byte[] exchange(Socket socket, byte[] query) throws IOException {
        Deadline deadline = Deadline.after(PATIENCE);
        while (socket.remoteAddress() == null && !deadline.passed()) {
            LockSupport.parkNanos(PAUSE_NANOS);
        }
        ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 17);
        buffer.putShort((short) query.length).put(query);
        int _ = socket.write(buffer, 0, query.length + 2);
        int have = 0;
        while (have < 2 || have < 2 + (buffer.getShort(0) & 0xffff)) {
            int count = read(socket, buffer, have);
            if (count < 0) {
                throw new IOException("the server closed");
            }
            have += count;
        }
        byte[] framed = new byte[have];
        buffer.get(0, framed);
        return Arrays.copyOfRange(framed, 2, have);
    }
}
