package io.culvert.systemtests.handover;

import io.culvert.protocol.net.IpAddress;
import io.culvert.shim.ListenSpec;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import io.culvert.shim.UdpSpec;
import io.culvert.testkit.DnsWire;
import io.culvert.testkit.Netns;
import io.netty.channel.unix.DatagramSocketAddress;
import io.netty.channel.unix.Socket;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The node's DNS server: answers everything with one address, 1.1.1.1 if it is not told otherwise, for a
 * minute, and NXDOMAIN for names that begin with {@code no}; notes what it was asked.
 *
 * <p>Owns: its sockets and thread.
 */
public final class DnsUpstream implements AutoCloseable {
    private static final long PAUSE_NANOS = 300_000;
    private static final int PORT = 53;
    private static final byte[] ADDRESS = {1, 1, 1, 1};

    /** One query as it came. */
    public record Asked(String hex, InetAddress from, int port, boolean tcp) {
        public byte[] message() {
            return HexFormat.of().parseHex(hex);
        }
    }

    private final Socket udp;
    private final Socket tcp;
    private final byte[] answer;
    private final List<Asked> asked = new CopyOnWriteArrayList<>();
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 17);
    private final Thread thread =
            Thread.ofPlatform().daemon().name("dns-upstream").unstarted(this::run);
    private volatile int ttl = 60;
    private volatile boolean silent;
    private volatile @Nullable Asked late;
    private volatile boolean closed;

    private DnsUpstream(Socket udp, Socket tcp, byte[] answer) {
        this.udp = udp;
        this.tcp = tcp;
        this.answer = answer;
    }

    static DnsUpstream start(Netns at) {
        return start(at, ADDRESS);
    }

    /** One that answers with an address, to any question. */
    public static DnsUpstream start(Netns at, InetAddress answer) {
        return start(at, answer.getAddress());
    }

    private static DnsUpstream start(Netns at, byte[] answer) {
        IpAddress ip = IpAddress.ofBytes(at.ipv4().getAddress());
        try (PodNetns netns = PodNetns.open(at.path())) {
            Socket udp = new Socket(DnsProbe.FACTORY.bindUdp(netns, new UdpSpec(ip.high(), ip.low(), PORT, false, 0)));
            Socket tcp = new Socket(DnsProbe.FACTORY.listenTcp(
                    netns, new ListenSpec(ip.high(), ip.low(), PORT, 16, ListenSpec.Transparency.NEVER, false, 0)));
            DnsUpstream started = new DnsUpstream(udp, tcp, answer);
            started.thread.start();
            return started;
        } catch (ShimException e) {
            throw new AssertionError(e);
        }
    }

    /** All that it was asked. */
    public List<Asked> asked() {
        return asked;
    }

    /** How long its answers hold from now on. */
    void ttl(int seconds) {
        ttl = seconds;
    }

    /** From now on it says nothing. */
    void fallSilent() {
        silent = true;
    }

    /** Answers the last one that it was asked while it was silent. */
    void answerLast() {
        silent = false;
        late = asked.getLast();
    }

    private void run() {
        try {
            while (!closed) {
                Asked owed = late;
                if (owed != null) {
                    late = null;
                    send(response(owed.message()), owed.from(), owed.port());
                }
                DatagramSocketAddress from = udp.recvFrom(buffer, 0, buffer.capacity());
                if (from != null) {
                    answer(from);
                }
                byte[] peer = new byte[26];
                int fd = tcp.accept(peer);
                if (fd >= 0) {
                    serve(new Socket(fd));
                }
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        } catch (IOException e) {
            if (!closed) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private void answer(DatagramSocketAddress from) throws IOException {
        byte[] message = new byte[from.receivedAmount()];
        buffer.get(0, message);
        asked.add(new Asked(HexFormat.of().formatHex(message), from.getAddress(), from.getPort(), false));
        if (!silent) {
            send(response(message), from.getAddress(), from.getPort());
        }
    }

    private void send(byte[] response, InetAddress to, int port) throws IOException {
        buffer.put(0, response);
        int _ = udp.sendTo(buffer, 0, response.length, to, port);
    }

    private byte[] response(byte[] message) {
        boolean none = message.length > 14 && message[13] == 'n' && message[14] == 'o';
        if (none) {
            return DnsWire.answer(message, 3, DnsWire.A, new byte[0]);
        }
        byte[] response = DnsWire.answer(message, 0, DnsWire.A, answer);
        // In front of the data and its length.
        ByteBuffer.wrap(response).putInt(response.length - answer.length - Short.BYTES - Integer.BYTES, ttl);
        return response;
    }

    private void serve(Socket connection) throws IOException {
        int have = 0;
        while (!closed && (have < 2 || have < 2 + (buffer.getShort(0) & 0xffff))) {
            int count = connection.read(buffer, have, buffer.capacity());
            if (count < 0) {
                connection.close();
                return;
            }
            have += count;
            LockSupport.parkNanos(PAUSE_NANOS);
        }
        byte[] message = new byte[have - 2];
        buffer.get(2, message);
        asked.add(new Asked(
                HexFormat.of().formatHex(message), connection.remoteAddress().getAddress(), 0, true));
        byte[] response = response(message);
        buffer.putShort(0, (short) response.length).put(2, response);
        int _ = connection.write(buffer, 0, response.length + 2);
        connection.close();
    }

    @Override
    public void close() {
        closed = true;
        try {
            thread.join(5_000);
            udp.close();
            tcp.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
