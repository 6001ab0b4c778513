package io.culvert.systemtests.ambient;

import io.culvert.protocol.hbone.hpack.HpackDecoder;
import io.culvert.protocol.hbone.hpack.HpackException;
import io.culvert.systemtests.badinput.H2;
import io.culvert.systemtests.badinput.HostilePeer;
import io.culvert.systemtests.badinput.HostileServer;
import io.culvert.systemtests.badinput.PeerSocket;
import io.culvert.systemtests.badinput.TlsSession;
import io.culvert.testkit.Netns;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The accepting end of HBONE played by the test: takes every CONNECT, and echoes what comes or passes it on.
 *
 * <p>Owns: a listener on port 15008 of a namespace, its connections and threads.
 */
final class HboneEnd implements AutoCloseable {
    private static final byte[] OK = {(byte) 0x88};
    private static final int HEADER_BYTES_MAX = 65_536;
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final Duration GLANCE = Duration.ofMillis(5);

    /**
     * A CONNECT that came.
     *
     * @param peer who asked, by certificate
     * @param headers of the request, by name
     */
    record Request(String peer, Map<String, String> headers) {
        String authority() {
            return headers.getOrDefault(":authority", "");
        }
    }

    /** What is done with a stream's bytes. */
    @FunctionalInterface
    private interface Use {
        void of(HostilePeer peer, int stream) throws IOException;
    }

    private final List<Request> requests = new CopyOnWriteArrayList<>();
    private final HostileServer server;

    private HboneEnd(Netns in, TlsSession.Look look, Use use) {
        server = HostileServer.start(in, socket -> {
            HostilePeer peer = HostilePeer.accept(socket, look).welcome();
            H2.Frame head = peer.await("CONNECT", frame -> frame.type() == H2.HEADERS);
            requests.add(new Request(peer.tls().peerUri(), headers(head.payload())));
            peer.send(H2.headers(head.stream(), OK));
            use.of(peer, head.stream());
        });
    }

    /** Returns what it is sent. */
    static HboneEnd echo(Netns in, TlsSession.Look look) {
        return new HboneEnd(in, look, HboneEnd::echo);
    }

    /** Passes the bytes on to an address, as seen from the same namespace. */
    static HboneEnd forward(Netns in, TlsSession.Look look, InetAddress to, int port) {
        return new HboneEnd(in, look, (peer, stream) -> {
            try (PeerSocket next = PeerSocket.connect(in, to, port)) {
                pass(peer, stream, next);
            }
        });
    }

    /** Every request until now. */
    List<Request> requests() {
        return List.copyOf(requests);
    }

    /** A header block's fields. */
    static Map<String, String> headers(byte[] block) throws IOException {
        Map<String, String> all = new TreeMap<>();
        try {
            new HpackDecoder(HEADER_BYTES_MAX)
                    .decode(block, 0, block.length, (name, value) -> all.put(name.toLowerCase(Locale.ROOT), value));
        } catch (HpackException e) {
            throw new IOException(e);
        }
        return all;
    }

    private static void echo(HostilePeer peer, int stream) throws IOException {
        while (true) {
            H2.Frame data = peer.await("DATA", frame -> frame.is(H2.DATA, stream));
            boolean last = data.has(H2.END_STREAM);
            peer.send(H2.frame(H2.DATA, last ? H2.END_STREAM : 0, stream, data.payload()));
            if (last) {
                return;
            }
        }
    }

    private static void pass(HostilePeer peer, int stream, PeerSocket next) throws IOException {
        while (true) {
            for (H2.Frame data : peer.poll(GLANCE)) {
                if (data.is(H2.DATA, stream)) {
                    next.write(data.payload());
                    if (data.has(H2.END_STREAM)) {
                        next.shutdownWrite();
                        byte[] rest = next.readToEnd(PATIENCE);
                        peer.send(H2.frame(H2.DATA, H2.END_STREAM, stream, rest));
                        return;
                    }
                }
            }
            byte[] back = next.read(GLANCE);
            for (int at = 0; at < back.length; at += 16_000) {
                byte[] part = Arrays.copyOfRange(back, at, Math.min(back.length, at + 16_000));
                peer.send(H2.frame(H2.DATA, 0, stream, part));
            }
        }
    }

    @Override
    public void close() {
        try {
            server.close();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
