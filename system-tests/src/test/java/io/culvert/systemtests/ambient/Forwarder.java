package io.culvert.systemtests.ambient;

import io.culvert.systemtests.badinput.PeerSocket;
import io.culvert.testkit.Netns;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An application that passes on what it is sent: to one address, or to the one that the PROXY header (version 2) names.
 *
 * <p>Owns: a listener in a namespace, its connections and threads.
 */
final class Forwarder implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final Duration GLANCE = Duration.ofMillis(2);
    private static final int HEAD_BYTES = 16;

    /** Where a connection's bytes go; reads the header if there is one. */
    @FunctionalInterface
    private interface Choice {
        PeerSocket next(PeerSocket from) throws IOException;
    }

    private final PeerSocket.Listener listener;
    private final List<String> told = new CopyOnWriteArrayList<>();
    private final List<IOException> ends = new CopyOnWriteArrayList<>();
    private final AtomicInteger served = new AtomicInteger();

    private Forwarder(Netns in, int port) {
        listener = PeerSocket.listen(in, port);
    }

    /** To the same port of an address. */
    static Forwarder plain(Netns in, int port, InetAddress to) {
        Forwarder forwarder = new Forwarder(in, port);
        forwarder.start(from -> PeerSocket.connect(in, to, port));
        return forwarder;
    }

    /** To where each connection's header says; IPv4. */
    static Forwarder proxyProtocol(Netns in, int port) {
        Forwarder forwarder = new Forwarder(in, port);
        forwarder.start(from -> forwarder.header(in, from));
        return forwarder;
    }

    private void start(Choice choice) {
        Thread.ofVirtual().name("forwarder").start(() -> accept(choice));
    }

    private void accept(Choice choice) {
        try {
            while (true) {
                PeerSocket from = listener.accept();
                served.incrementAndGet();
                Thread.ofVirtual().name("forwarding").start(() -> serve(choice, from));
            }
        } catch (IOException closed) {
            ends.add(closed);
        }
    }

    private void serve(Choice choice, PeerSocket from) {
        try (from;
                PeerSocket next = choice.next(from)) {
            Thread back = Thread.ofVirtual().start(() -> copy(next, from));
            copy(from, next);
            back.join(PATIENCE);
        } catch (IOException | InterruptedException e) {
            ends.add(new IOException(e));
        }
    }

    private void copy(PeerSocket from, PeerSocket to) {
        try {
            while (true) {
                to.write(from.read(GLANCE));
            }
        } catch (IOException end) {
            finish(to);
        }
    }

    private void finish(PeerSocket to) {
        try {
            to.shutdownWrite();
        } catch (IOException gone) {
            ends.add(gone);
        }
    }

    private PeerSocket header(Netns in, PeerSocket from) throws IOException {
        byte[] head = from.readFully(HEAD_BYTES, PATIENCE);
        byte[] rest = from.readFully((head[14] & 0xff) << 8 | head[15] & 0xff, PATIENCE);
        if (head[12] != 0x21 || head[13] != 0x11) {
            throw new IOException("no PROXY header of TCP over IPv4: " + Arrays.toString(head));
        }
        InetAddress source = InetAddress.getByAddress(Arrays.copyOfRange(rest, 0, 4));
        InetAddress destination = InetAddress.getByAddress(Arrays.copyOfRange(rest, 4, 8));
        int port = (rest[10] & 0xff) << 8 | rest[11] & 0xff;
        told.add(source.getHostAddress() + " -> " + destination.getHostAddress() + ":" + port);
        return PeerSocket.connect(in, destination, port);
    }

    /** What headers have said, as {@code source -> destination:port}. */
    List<String> told() {
        return List.copyOf(told);
    }

    /** How many connections came. */
    int served() {
        return served.get();
    }

    @Override
    public void close() throws IOException {
        listener.close();
    }
}
