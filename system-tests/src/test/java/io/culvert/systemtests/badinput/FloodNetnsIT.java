package io.culvert.systemtests.badinput;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.telemetry.BadPeer;
import io.culvert.testkit.Deadline;
import io.culvert.testkit.Eventually;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Work that a peer makes for us and that costs it nothing: it is stopped early, and costs us little. */
class FloodNetnsIT {
    /** All the CPU that a flood may take until its connection is closed, handshake included. */
    private static final Duration CPU_MAX = Duration.ofSeconds(3);

    /** How many of our own last words may wait to be read at a time. */
    private static final int LINGERING_MAX = 256;

    private static final Duration STORM = Duration.ofSeconds(3);
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final long GROWTH_BYTES_MAX = 48L << 20;

    @RegisterExtension
    static final BadInputLab LAB = new BadInputLab();

    /** A flood on a connection that stands. */
    @FunctionalInterface
    private interface Flood {
        void by(HostilePeer peer) throws IOException;
    }

    /** It is told to calm down and is counted as a flood, and as nothing else. */
    private static void stops(Flood flood) throws IOException {
        Tally tally = LAB.tally();
        isCalmed(flood);
        tally.expectOne(BadPeer.HTTP2_FLOOD);
    }

    /** As {@link #stops}, after so many misdeeds of another kind, each of which is counted too. */
    private static void stopsAfter(long misdeeds, BadPeer kind, Flood flood) throws IOException {
        Tally tally = LAB.tally();
        isCalmed(flood);
        tally.expectAtLeast(Map.of(BadPeer.HTTP2_FLOOD, 1L, kind, misdeeds));
    }

    private static void isCalmed(Flood flood) throws IOException {
        costsLittle(peer -> {
            flood.by(peer);
            peer.awaitGoAway(H2.ENHANCE_YOUR_CALM);
        });
    }

    private static void costsLittle(Flood flood) throws IOException {
        Duration cpu = LAB.agent().cpu();
        long resident = LAB.agent().residentBytes();
        try (HostilePeer peer = LAB.greeted()) {
            flood.by(peer);
        }
        Duration spent = LAB.agent().cpu().minus(cpu);
        assertTrue(spent.compareTo(CPU_MAX) < 0, "CPU " + spent);
        assertGrownLittle(resident);
    }

    private static void assertGrownLittle(long residentBefore) {
        long grown = LAB.agent().residentBytes() - residentBefore;
        assertTrue(grown < GROWTH_BYTES_MAX, "resident memory grew by " + (grown >> 20) + " MiB");
    }

    private static byte[] open(int stream) {
        return H2.connect(stream, LAB.authority(BadInputLab.ECHO));
    }

    @Test
    void stopsPings() throws IOException {
        stops(peer -> peer.flood(100, H2.repeat(H2.ping(false, new byte[8]), 100)));
    }

    @Test
    void stopsAnswersThatNobodyAskedFor() throws IOException {
        stops(peer -> peer.flood(100, H2.repeat(H2.ping(true, new byte[8]), 100)));
        stops(peer -> peer.flood(100, H2.repeat(H2.settingsAck(), 100)));
    }

    @Test
    void stopsSettings() throws IOException {
        stops(peer -> peer.flood(100, H2.repeat(H2.settings(4, 65_535, 4, 1), 20)));
        stops(peer -> peer.send(H2.frame(H2.SETTINGS, 0, 0, new byte[6 * 1_000])));
    }

    @Test
    void stopsWindowUpdates() throws IOException {
        stops(peer -> {
            peer.connect(LAB.authority(BadInputLab.ECHO));
            peer.flood(100, H2.repeat(H2.windowUpdate(1, 1), 200));
        });
    }

    @Test
    void stopsEmptyFrames() throws IOException {
        stops(peer -> {
            peer.connect(LAB.authority(BadInputLab.ECHO));
            peer.flood(100, H2.repeat(H2.data(1, 0, false), 200));
        });
        stops(peer -> {
            peer.connect(LAB.authority(BadInputLab.ECHO));
            // Nothing but padding.
            peer.flood(100, H2.repeat(H2.frame(H2.DATA, 8, 1, (byte) 3, (byte) 0, (byte) 0, (byte) 0), 200));
        });
    }

    @Test
    void stopsPrioritiesAndUnknownFrames() throws IOException {
        stops(peer -> peer.flood(100, H2.repeat(H2.frame(H2.PRIORITY, 0, 1, new byte[5]), 200)));
        stops(peer -> peer.flood(100, H2.repeat(H2.frame(0xee, 0, 0, new byte[3]), 200)));
    }

    /** One says good-bye once; while a stream is open that alone ends nothing. */
    @Test
    void stopsGoodByesWithoutEnd() throws IOException {
        stops(peer -> {
            peer.connect(LAB.authority(BadInputLab.ECHO));
            peer.flood(100, H2.repeat(H2.goAway(0, 0), 20));
        });
    }

    /**
     * Of two thousand streams it is told that they are refused: as it reads none of that, it need not see the good-bye. Until
     * the application has seen that those which were served have ended, the pod may have as many connections as it may have.
     */
    @Test
    void stopsRapidReset() throws IOException {
        Tally tally = LAB.tally();
        costsLittle(peer -> {
            // While the first thousands are taken and the next ones refused, some allowance comes back.
            for (int i = 0; i < 400; i++) {
                byte[][] frames = new byte[50][];
                for (int j = 0; j < frames.length; j++) {
                    int id = peer.stream();
                    frames[j] = H2.join(open(id), H2.reset(id, H2.CANCEL));
                }
                peer.flood(1, frames);
            }
            // Were it to close before, what an agent without time has not read yet would be lost.
            tally.expectOne(BadPeer.HTTP2_FLOOD, Set.of(BadPeer.LIMIT));
        });
    }

    /**
     * An application of ours that does nothing but connect and reset: its agent keeps within what the other end allows, so that
     * the tunnel stands which carries the others as well.
     */
    @Test
    void anApplicationThatConnectsAndResetsHarmsNoOther() throws IOException {
        Tally server = LAB.tally();
        Tally client = Tally.of(LAB.clientAgent());
        byte[] word = {1, 2, 3};
        Deadline end = Deadline.after(STORM);
        for (int i = 0; !end.passed(); i++) {
            hastyConnect();
            if (i % 200 == 0) {
                try (PeerSocket honest = PeerSocket.connect(LAB.ns("client"), LAB.server(), BadInputLab.ECHO)) {
                    honest.write(word);
                    assertArrayEquals(word, honest.readFully(word.length, PATIENCE));
                }
            }
        }
        server.expect(Map.of());
        client.expect(Map.of());
    }

    private static void hastyConnect() throws IOException {
        try {
            PeerSocket.connect(LAB.ns("client"), LAB.server(), BadInputLab.ECHO).reset();
        } catch (PeerGoneException atOnce) {
            // More at once than the pod may have; its end is what was wanted.
            assertEquals(PeerGoneException.How.RST, atOnce.how());
        }
    }

    /** The peer has us reset its streams instead, in every way there is. */
    @Test
    void stopsResetsThatThePeerProvokes() throws IOException {
        stopsProvoked(BadPeer.HTTP2_PROTOCOL, id -> H2.windowUpdate(id, 0));
        stopsProvoked(BadPeer.HTTP2_FLOW_CONTROL, id -> H2.windowUpdate(id, Integer.MAX_VALUE));
        stopsProvoked(BadPeer.HTTP2_PROTOCOL, id -> H2.join(H2.data(id, 0, true), H2.data(id, 10, false)));
        stopsProvoked(BadPeer.HTTP2_PROTOCOL, id -> H2.headers(id, H2.OK));
    }

    private static void stopsProvoked(BadPeer kind, IntFunction<byte[]> misdeed) throws IOException {
        stopsAfter(50, kind, peer -> {
            for (int i = 0; i < 100; i++) {
                int id = peer.stream();
                peer.flood(1, open(id), misdeed.apply(id));
            }
        });
    }

    @Test
    void stopsMoreStreamsThanAllowed() throws IOException {
        stops(peer -> {
            for (int i = 0; i < 200; i++) {
                peer.flood(1, open(peer.stream()));
            }
        });
    }

    @Test
    void stopsRequestsThatAreNone() throws IOException {
        stopsAfter(100, BadPeer.BAD_AUTHORITY, peer -> {
            for (int i = 0; i < 400; i++) {
                peer.flood(1, H2.connect(peer.stream(), "nowhere"));
            }
        });
    }

    @Test
    void refusesAStreamTooMany_andServesWhenOneEnds() throws IOException {
        Tally tally = LAB.tally();
        try (HostilePeer peer = LAB.greeted()) {
            for (int i = 0; i < 20; i++) {
                assertEquals(200, peer.connect(LAB.authority(BadInputLab.ECHO)));
            }
            int excess = peer.ask(LAB.authority(BadInputLab.ECHO));
            peer.awaitReset(excess, H2.REFUSED_STREAM);
            peer.send(H2.reset(1, H2.CANCEL));
            assertEquals(200, peer.connect(LAB.authority(BadInputLab.ECHO)));
        }
        tally.expect(Map.of());
    }

    /** A peer that has us send and never reads: what waits for it is little, and it is given up when it does not answer. */
    @Test
    void givesUpAPeerThatNeverReads() throws IOException {
        Tally tally = LAB.tally();
        long resident = LAB.agent().residentBytes();
        try (HostilePeer peer = LAB.peer().greet(4, Integer.MAX_VALUE)) {
            peer.send(H2.windowUpdate(0, Integer.MAX_VALUE - 65_535));
            for (int i = 0; i < 10; i++) {
                peer.ask(LAB.authority(BadInputLab.LOUD));
            }
            long began = System.nanoTime();
            tally.expectOne(BadPeer.UNRESPONSIVE);
            long took = System.nanoTime() - began;
            assertTrue(took < BadInputLab.PING.plusSeconds(3).toNanos(), "took " + took / 1_000_000 + " ms");
            assertGrownLittle(resident);
        }
    }

    /** One that reads, but does not answer. */
    @Test
    void givesUpAPeerThatDoesNotAnswerPings() throws IOException {
        Tally tally = LAB.tally();
        try (HostilePeer peer = LAB.greeted()) {
            peer.connect(LAB.authority(BadInputLab.ECHO));
            peer.awaitGoAwaySilently(H2.NO_ERROR);
        }
        tally.expectOne(BadPeer.UNRESPONSIVE);
    }

    /** A PING's answer is the number that was sent, not just any. */
    @Test
    void givesUpAPeerThatAnswersSomethingElse() throws IOException {
        Tally tally = LAB.tally();
        try (HostilePeer peer = LAB.greeted()) {
            peer.await("PING", f -> f.type() == H2.PING && !f.has(H2.ACK));
            peer.send(H2.ping(true, H2.join(H2.int32(Integer.MAX_VALUE), H2.int32(-1))));
            peer.awaitGoAwaySilently(H2.NO_ERROR);
        }
        tally.expectOne(BadPeer.UNRESPONSIVE);
    }

    /** On a loop that has nobody who could make room it is refused at once, maybe before it has said anything. */
    private static void speakPlainly(List<PeerSocket> open) throws IOException {
        try {
            open.add(PeerSocket.connect(LAB.ns("away"), LAB.server(), BadInputLab.HBONE));
            open.getLast().write(H2.ascii("GET / HTTP/1.1\r\n\r\n"));
        } catch (PeerGoneException refused) {
            assertEquals(PeerGoneException.How.RST, refused.how());
        }
    }

    /** Many connections at once that fail in their handshake: their last words do not use up our descriptors. */
    @Test
    void keepsItsDescriptorsThroughAFloodOfFailedHandshakes() throws IOException {
        Tally tally = LAB.tally();
        int before = LAB.agent().sockets();
        List<PeerSocket> open = new ArrayList<>();
        int flood = 1_000;
        try {
            for (int i = 0; i < flood; i++) {
                speakPlainly(open);
            }
            // An agent that has no time to look meanwhile lets the eldest go unread. On a loop that has none of them,
            // idle tunnels of the tests before make room.
            tally.expectTotal(Set.of(BadPeer.NOT_TLS, BadPeer.LIMIT), flood, flood + 10);
            Eventually.holds(
                    "few sockets are open",
                    Duration.ofSeconds(1),
                    () -> LAB.agent().sockets() < before + LINGERING_MAX + BadInputLab.TUNNELS_MAX);
        } finally {
            for (PeerSocket socket : open) {
                socket.close();
            }
        }
    }
}
