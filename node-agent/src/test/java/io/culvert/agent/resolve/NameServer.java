package io.culvert.agent.resolve;

import io.culvert.protocol.net.IpAddress;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** A name server on loopback, over UDP and TCP at one port, that knows what the test says. */
final class NameServer {
    private static final int DATAGRAM_BYTES_MAX = 512;
    private static final int HEADER_BYTES = 12;
    private static final int TYPE_A = 1;
    private static final int TYPE_CNAME = 5;
    private static final int TYPE_AAAA = 28;

    private record Entry(int type, int seconds, ByteBuffer data) {}

    private final ServerSocket tcp;
    private final DatagramSocket udp;
    private final Map<String, List<Entry>> known = new ConcurrentHashMap<>();
    private volatile boolean askedOverTcp;

    private NameServer(ServerSocket tcp, DatagramSocket udp) {
        this.tcp = tcp;
        this.udp = udp;
    }

    static NameServer start() {
        try {
            ServerSocket tcp = new ServerSocket(0, 16, InetAddress.getLoopbackAddress());
            DatagramSocket udp = new DatagramSocket(tcp.getLocalPort(), InetAddress.getLoopbackAddress());
            NameServer server = new NameServer(tcp, udp);
            Thread.ofVirtual().start(server::serveUdp);
            Thread.ofVirtual().start(server::serveTcp);
            return server;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    InetSocketAddress address() {
        return (InetSocketAddress) tcp.getLocalSocketAddress();
    }

    boolean askedOverTcp() {
        return askedOverTcp;
    }

    void put(String name, int seconds, String... addresses) {
        for (String text : addresses) {
            byte[] bytes = IpAddress.parse(text).toBytes();
            add(name, new Entry(bytes.length == 4 ? TYPE_A : TYPE_AAAA, seconds, ByteBuffer.wrap(bytes)));
        }
    }

    void alias(String name, String real) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (String label : real.split("\\.", 0)) {
            out.write(label.length());
            out.writeBytes(label.getBytes(StandardCharsets.US_ASCII));
        }
        out.write(0);
        add(name, new Entry(TYPE_CNAME, 60, ByteBuffer.wrap(out.toByteArray())));
    }

    private void add(String name, Entry entry) {
        known.computeIfAbsent(name, fresh -> new ArrayList<>()).add(entry);
    }

    private void serveUdp() {
        byte[] buffer = new byte[4096];
        try {
            while (true) {
                DatagramPacket packet = new DatagramPacket(buffer, buffer.length);
                udp.receive(packet);
                byte[] answer = answer(Arrays.copyOf(buffer, packet.getLength()), DATAGRAM_BYTES_MAX);
                udp.send(new DatagramPacket(answer, answer.length, packet.getSocketAddress()));
            }
        } catch (IOException e) {
            // Closed.
            udp.close();
        }
    }

    private void serveTcp() {
        try {
            while (true) {
                try (Socket socket = tcp.accept()) {
                    askedOverTcp = true;
                    DataInputStream in = new DataInputStream(socket.getInputStream());
                    byte[] query = in.readNBytes(in.readUnsignedShort());
                    byte[] answer = answer(query, 65_535);
                    DataOutputStream out = new DataOutputStream(socket.getOutputStream());
                    out.writeShort(answer.length);
                    out.write(answer);
                    out.flush();
                    // The client closes first.
                    int _ = in.read();
                }
            }
        } catch (IOException e) {
            // Closed.
            udp.close();
        }
    }

    private byte[] answer(byte[] asked, int bytesMax) {
        ByteBuffer query = ByteBuffer.wrap(asked);
        StringBuilder name = new StringBuilder();
        int at = HEADER_BYTES;
        for (int length = query.get(at); length > 0; length = query.get(at)) {
            name.append(new String(asked, at + 1, length, StandardCharsets.US_ASCII))
                    .append('.');
            at += length + 1;
        }
        int type = query.getShort(at + 1);
        int questionEnd = at + 5;
        List<Entry> entries = known.getOrDefault(name.toString(), List.of());
        List<Entry> wanted = entries.stream()
                .filter(entry -> entry.type == type || entry.type == TYPE_CNAME)
                .toList();
        ByteBuffer out = ByteBuffer.allocate(65_535);
        out.putShort(query.getShort(0));
        out.putShort((short) (entries.isEmpty() ? 0x8183 : 0x8180));
        out.putShort((short) 1).putShort((short) wanted.size()).putInt(0);
        out.put(asked, HEADER_BYTES, questionEnd - HEADER_BYTES);
        for (Entry entry : wanted) {
            out.putShort((short) 0xc00c).putShort((short) entry.type).putShort((short) 1);
            out.putInt(entry.seconds).putShort((short) entry.data.remaining()).put(entry.data.duplicate());
        }
        if (out.position() > bytesMax) {
            out.putShort(2, (short) 0x8380).putShort(6, (short) 0).position(questionEnd);
        }
        byte[] bytes = new byte[out.position()];
        out.get(0, bytes);
        return bytes;
    }

    void close() throws IOException {
        tcp.close();
        udp.close();
    }
}
