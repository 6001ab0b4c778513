package io.culvert.systemtests.badinput;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.testkit.Deadline;
import io.culvert.testkit.Netns;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What arrives at the HBONE port and is no handshake, or none that ends. */
class HandshakeNetnsIT {
    private static final Duration AT_ONCE = Duration.ofSeconds(2);
    /** A timeout, and how late a busy machine may be with it. */
    private static final Duration IN_TIME = BadInputLab.HANDSHAKE.plusSeconds(3);

    @RegisterExtension
    static final BadInputLab LAB = new BadInputLab();

    @Test
    void refusesPlaintextHttp_fromOutside() throws IOException {
        refuses(LAB.ns("legacy"), H2.ascii("GET / HTTP/1.1\r\nHost: server\r\n\r\n"), BadPeer.NOT_TLS);
    }

    @Test
    void refusesPlaintextHttp_fromThePodItself() throws IOException {
        refuses(LAB.ns("server"), H2.ascii("POST / HTTP/1.1\r\nHost: server\r\n\r\n"), BadPeer.NOT_TLS);
    }

    @Test
    void refusesHttp2WithoutTls() throws IOException {
        refuses(LAB.ns("away"), H2.join(H2.PREFACE, H2.settings()), BadPeer.NOT_TLS);
    }

    @Test
    void refusesRandomBytes() throws IOException {
        SplittableRandom random = new SplittableRandom(42);
        for (int i = 0; i < 20; i++) {
            byte[] noise = new byte[1 + random.nextInt(3_000)];
            random.nextBytes(noise);
            // The first byte of a TLS record is tried on purpose elsewhere.
            noise[0] = (byte) (0x80 | noise[0]);
            byte[] enough = Arrays.copyOf(noise, Math.max(noise.length, 16));
            refuses(LAB.ns("legacy"), enough, BadPeer.NOT_TLS);
        }
    }

    @Test
    void refusesAHelloOfNoise() throws IOException {
        byte[] noise = new byte[512];
        new SplittableRandom(7).nextBytes(noise);
        byte[] record = H2.join(new byte[] {22, 3, 1, 2, 0}, noise);
        refuses(LAB.ns("legacy"), record, BadPeer.TLS_HANDSHAKE);
    }

    @Test
    void refusesARecordThatIsTooLong() throws IOException {
        byte[] record = H2.join(new byte[] {22, 3, 1, (byte) 0xff, (byte) 0xff}, new byte[600]);
        refuses(LAB.ns("legacy"), record, BadPeer.TLS_HANDSHAKE);
    }

    @Test
    void refusesApplicationDataBeforeTheHandshake() throws IOException {
        refuses(LAB.ns("legacy"), H2.join(new byte[] {23, 3, 3, 0, 32}, new byte[32]), BadPeer.TLS_HANDSHAKE);
    }

    @Test
    void refusesAnAlertAsFirstWord() throws IOException {
        refuses(LAB.ns("legacy"), new byte[] {21, 3, 3, 0, 2, 2, 40}, BadPeer.TLS_HANDSHAKE);
    }

    private static void refuses(Netns from, byte[] bytes, BadPeer kind) throws IOException {
        Tally tally = LAB.tally();
        try (PeerSocket socket = PeerSocket.connect(from, LAB.server(), BadInputLab.HBONE)) {
            socket.write(bytes);
            socket.awaitEnd(AT_ONCE);
        }
        tally.expectOne(kind);
    }

    @Test
    void countsWhoComesAndGoes() throws IOException {
        Tally tally = LAB.tally();
        PeerSocket.connect(LAB.ns("legacy"), LAB.server(), BadInputLab.HBONE).close();
        PeerSocket.connect(LAB.ns("away"), LAB.server(), BadInputLab.HBONE).reset();
        try (PeerSocket half = PeerSocket.connect(LAB.ns("server"), LAB.server(), BadInputLab.HBONE)) {
            byte[] hello = hello(half);
            half.write(Arrays.copyOf(hello, hello.length / 2));
            half.shutdownWrite();
            half.awaitEnd(AT_ONCE);
        }
        tally.expect(Map.of(BadPeer.TLS_HANDSHAKE, 3L));
        tally.expectEnded(CloseReason.TLS_FAILED, 3);
    }

    private static byte[] hello(PeerSocket socket) throws IOException {
        return TlsSession.client(socket, TlsSession.Look.of(LAB.good())).hello();
    }

    /** The handshake that is slow, in every way that is; all wait at the same time. */
    @Test
    void endsHandshakesThatDoNotEnd() throws Exception {
        Tally tally = LAB.tally();
        inParallel(
                () -> timeToEnd(socket -> {}),
                () -> timeToEnd(socket -> socket.write(new byte[] {22})),
                () -> timeToEnd(socket -> socket.write(Arrays.copyOf(hello(socket), 5))),
                () -> timeToEnd(socket -> socket.write(Arrays.copyOf(hello(socket), 100))),
                () -> timeToEnd(socket -> socket.write(hello(socket))),
                () -> timeToEnd(HandshakeNetnsIT::oneByteAtATime));
        tally.expect(Map.of(BadPeer.HANDSHAKE_TIMEOUT, 6L));
        tally.expectEnded(CloseReason.HANDSHAKE_TIMEOUT, 6);
    }

    /** The preface that is slow. */
    @Test
    void endsConnectionsWithoutPreface() throws Exception {
        Tally tally = LAB.tally();
        byte[] start = H2.join(H2.PREFACE, H2.settings(4, 65_535));
        inParallel(
                () -> prefaceTimeToEnd(new byte[0]),
                () -> prefaceTimeToEnd(Arrays.copyOf(H2.PREFACE, 10)),
                () -> prefaceTimeToEnd(H2.PREFACE),
                () -> prefaceTimeToEnd(Arrays.copyOf(start, H2.PREFACE.length + 9)),
                () -> prefaceTimeToEnd(Arrays.copyOf(start, start.length - 1)));
        tally.expect(Map.of(BadPeer.HANDSHAKE_TIMEOUT, 5L));
        tally.expectEnded(CloseReason.HANDSHAKE_TIMEOUT, 5);
    }

    /** What a slow peer does. */
    @FunctionalInterface
    private interface Start {
        void with(PeerSocket socket) throws IOException;
    }

    private static Duration timeToEnd(Start start) throws IOException {
        try (PeerSocket socket = PeerSocket.connect(LAB.ns("legacy"), LAB.server(), BadInputLab.HBONE)) {
            long began = System.nanoTime();
            try {
                start.with(socket);
                socket.awaitEnd(IN_TIME);
            } catch (PeerGoneException gone) {
                // While it was still writing, which ends it as well.
            }
            return Duration.ofNanos(System.nanoTime() - began);
        }
    }

    private static void oneByteAtATime(PeerSocket socket) throws IOException {
        Deadline deadline = Deadline.after(IN_TIME);
        for (byte one : hello(socket)) {
            if (deadline.passed()) {
                throw new AssertionError("still open");
            }
            socket.write(new byte[] {one});
            LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
        }
    }

    private static Duration prefaceTimeToEnd(byte[] start) throws IOException {
        long began = System.nanoTime();
        try (HostilePeer peer = LAB.peer()) {
            peer.await("SETTINGS", frame -> frame.type() == H2.SETTINGS);
            if (start.length > 0) {
                peer.send(start);
            }
            peer.awaitGoAwaySilently(H2.SETTINGS_TIMEOUT);
            return Duration.ofNanos(System.nanoTime() - began);
        }
    }

    @SafeVarargs
    private static void inParallel(Callable<Duration>... cases) throws InterruptedException, ExecutionException {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Duration>> running = new ArrayList<>();
            for (Callable<Duration> one : cases) {
                running.add(threads.submit(one));
            }
            for (Future<Duration> one : running) {
                Duration took = one.get();
                assertTrue(took.compareTo(BadInputLab.HANDSHAKE.minusMillis(500)) > 0, "too early: " + took);
                assertTrue(took.compareTo(IN_TIME) < 0, "too late: " + took);
            }
        }
    }

    /** Slow is not wrong: a hello in many small pieces is taken, as long as it comes in time. */
    @Test
    void takesAHelloInPieces() throws IOException {
        Tally tally = LAB.tally();
        try (PeerSocket socket = PeerSocket.connect(LAB.ns("legacy"), LAB.server(), BadInputLab.HBONE)) {
            for (byte one : hello(socket)) {
                socket.write(new byte[] {one});
            }
            byte[] first = socket.readFully(5, AT_ONCE);
            assertEquals(22, first[0], "a handshake record");
            socket.reset();
        }
        tally.expectOne(BadPeer.TLS_HANDSHAKE);
    }
}
