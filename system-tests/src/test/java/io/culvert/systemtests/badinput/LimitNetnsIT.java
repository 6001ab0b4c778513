package io.culvert.systemtests.badinput;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.systemtests.lab.MeshYaml;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.Netns;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** More connections than one pod may have: the pod's own trouble, and no other's. */
class LimitNetnsIT {
    private static final Duration PATIENCE = Duration.ofSeconds(8);
    private static final int EXCESS = 20;

    @RegisterExtension
    static final BadInputLab LAB = new BadInputLab();

    private static InetAddress victim() {
        return LAB.ns("victim").ipv4();
    }

    /** Connections that say nothing: the eldest make room, so that an honest peer still comes in. */
    @Test
    void idleConnectionsDoNotKeepPeersOut() throws IOException {
        Tally tally = LAB.tally();
        int flood = BadInputLab.TUNNELS_MAX + 30;
        List<PeerSocket> idle = new ArrayList<>();
        try {
            for (int i = 0; i < flood; i++) {
                idle.add(PeerSocket.connect(LAB.ns("away"), victim(), BadInputLab.HBONE));
            }
            // All of them are in, whichever loop has them.
            tally.expect(Map.of(BadPeer.LIMIT, 30L));
            try (HostilePeer honest = HostilePeer.dial(LAB.ns("legacy"), victim(), TlsSession.Look.of(LAB.good()))
                    .greet()) {
                assertEquals(200, honest.connect(victim().getHostAddress() + ":" + BadInputLab.ECHO));
            }
            // 30 too many, and one for the honest peer; the others had their time.
            tally.expect(Map.of(BadPeer.LIMIT, 31L, BadPeer.HANDSHAKE_TIMEOUT, (long) BadInputLab.TUNNELS_MAX - 1));
        } finally {
            close(idle);
        }
    }

    /** A peer may carry each of its connections in a tunnel of its own, as one of another network does; not more than that. */
    @Test
    void tunnelsInUseAreBoundedByTheirConnections() throws IOException {
        Tally tally = LAB.tally();
        List<HostilePeer> peers = new ArrayList<>();
        try {
            // Each with as few connections as anybody may have to the very last place.
            int each = BadInputLab.CONNECTIONS_MAX / 64;
            for (int open = 0; open < BadInputLab.CONNECTIONS_MAX; open++) {
                if (open % each == 0) {
                    peers.add(secured("peer" + open / each));
                }
                assertEquals(200, peers.getLast().connect(echo()));
            }
            assertTrue(peers.size() > BadInputLab.TUNNELS_MAX);
            tally.expect(Map.of());
            try (HostilePeer excess = secured("another")) {
                assertEquals(503, excess.connect(echo()));
                tally.expectOne(BadPeer.LIMIT);
            }
        } finally {
            closePeers(peers);
        }
        try (HostilePeer next = secured("another")) {
            Eventually.passes("there are places again", PATIENCE, () -> assertEquals(200, next.connect(echo())));
        }
    }

    /** However many connections one peer opens, in however many tunnels, there are places for others. */
    @Test
    void onePeerLeavesPlacesToOthers() throws IOException {
        Tally tally = LAB.tally();
        int most = BadInputLab.CONNECTIONS_MAX - BadInputLab.CONNECTIONS_MAX / 8;
        List<HostilePeer> peers = new ArrayList<>();
        try {
            for (int open = 0; open <= most; open++) {
                if (open % BadInputLab.STREAMS_MAX == 0) {
                    peers.add(secured("greedy"));
                }
                assertEquals(open < most ? 200 : 503, peers.getLast().connect(echo()));
            }
            tally.expectOne(BadPeer.LIMIT);
            try (HostilePeer other = secured("other")) {
                assertEquals(200, other.connect(echo()));
            }
            tally.expectOne(BadPeer.LIMIT);
        } finally {
            closePeers(peers);
        }
    }

    /** Idle ones, proved or not, keep nobody out: the peer that has most of them makes room. */
    @Test
    void idleTunnelsOfManyDoNotKeepPeersOut() throws IOException {
        Tally tally = LAB.tally();
        List<HostilePeer> peers = new ArrayList<>();
        try {
            for (int i = 0; i < BadInputLab.TUNNELS_MAX; i++) {
                peers.add(secured("peer" + i % 8));
            }
            // One idle tunnel makes room for the first of them, whose own place is free once it carries a connection.
            for (int i = 0; i < 3; i++) {
                HostilePeer honest = secured("honest" + i);
                peers.add(honest);
                assertEquals(200, honest.connect(echo()));
            }
            tally.expectOne(BadPeer.LIMIT);
        } finally {
            closePeers(peers);
        }
    }

    /** One identity has no more than its share, however many tunnels it opens, and loses its own. */
    @Test
    void onePeerHasNoMoreThanItsShare() throws IOException {
        Tally tally = LAB.tally();
        List<HostilePeer> greedy = new ArrayList<>();
        int share = BadInputLab.TUNNELS_MAX / 4;
        try {
            for (int i = 0; i < BadInputLab.TUNNELS_MAX; i++) {
                greedy.add(secured("greedy"));
            }
            // Each loop makes room among those that it serves, the first of which may have come late.
            tally.expect(Map.of(BadPeer.LIMIT, (long) BadInputLab.TUNNELS_MAX - share));
            try (HostilePeer honest = secured("honest")) {
                assertEquals(200, honest.connect(echo()));
            }
            tally.expect(Map.of(BadPeer.LIMIT, (long) BadInputLab.TUNNELS_MAX - share));
        } finally {
            closePeers(greedy);
        }
    }

    private static String echo() {
        return victim().getHostAddress() + ":" + BadInputLab.ECHO;
    }

    private static HostilePeer secured(String name) throws IOException {
        TestCa.Identity identity = LAB.ca().identity(MeshYaml.idOf(name));
        return HostilePeer.dial(LAB.ns("away"), victim(), TlsSession.Look.of(identity))
                .greet();
    }

    private static void closePeers(List<HostilePeer> peers) throws IOException {
        for (HostilePeer peer : peers) {
            peer.close();
        }
    }

    @Test
    void refusesAPlaintextConnectionTooMany() throws IOException {
        Tally tally = LAB.tally();
        refusesTheExcess(tally, LAB.ns("legacy"), victim());
        tally.expect(Map.of(BadPeer.LIMIT, (long) EXCESS));
    }

    /** The pod's own application opens them; no peer does anything bad. */
    @Test
    void refusesAnOutgoingConnectionTooMany() throws IOException {
        Tally tally = LAB.tally();
        refusesTheExcess(tally, LAB.ns("victim"), LAB.ns("away").ipv4());
        tally.expect(Map.of());
    }

    /** An honest burst is no flood: the peer's limit on streams becomes known only when some have been asked for. */
    @Test
    void aBurstThroughAFreshTunnelIsServed() throws IOException {
        Tally tally = LAB.tally();
        List<PeerSocket> open = new ArrayList<>();
        try {
            for (int i = 0; i < 100; i++) {
                open.add(
                        PeerSocket.connect(LAB.ns("victim"), LAB.ns("neighbour").ipv4(), BadInputLab.ECHO));
            }
            for (PeerSocket socket : open) {
                socket.write(new byte[] {1, 2, 3});
            }
            for (PeerSocket socket : open) {
                assertArrayEquals(new byte[] {1, 2, 3}, socket.readFully(3, PATIENCE));
            }
        } finally {
            close(open);
        }
        tally.expect(Map.of());
    }

    private static void refusesTheExcess(Tally tally, Netns from, InetAddress to) throws IOException {
        List<PeerSocket> open = new ArrayList<>();
        int refused = 0;
        try {
            for (int i = 0; i < BadInputLab.CONNECTIONS_MAX + EXCESS; i++) {
                try {
                    open.add(PeerSocket.connect(from, to, BadInputLab.DEAF));
                } catch (PeerGoneException atOnce) {
                    refused++;
                }
            }
            tally.expectEnded(CloseReason.LIMIT_REACHED, EXCESS);
            for (PeerSocket socket : open) {
                refused += isReset(socket) ? 1 : 0;
            }
            assertEquals(EXCESS, refused);
        } finally {
            for (PeerSocket socket : open) {
                socket.reset();
            }
        }
    }

    private static boolean isReset(PeerSocket socket) throws IOException {
        try {
            return socket.read(Duration.ZERO).length != 0;
        } catch (PeerGoneException gone) {
            return gone.how() == PeerGoneException.How.RST;
        }
    }

    private static void close(List<PeerSocket> sockets) throws IOException {
        for (PeerSocket socket : sockets) {
            socket.close();
        }
    }
}
