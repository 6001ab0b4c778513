package io.culvert.systemtests.badinput;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Requests of a peer that may come in, but not like this: each gets a status, is counted, and leaves its tunnel usable. */
class RequestNetnsIT {
    @RegisterExtension
    static final BadInputLab LAB = new BadInputLab();

    @Test
    void refusesForeignAddresses() throws IOException {
        refuses(
                400,
                BadPeer.FOREIGN_DESTINATION,
                List.of(
                        LAB.ns("neighbour").ipv4().getHostAddress() + ":7000",
                        LAB.ns("client").ipv4().getHostAddress() + ":7000",
                        "198.51.100.200:80",
                        "169.254.169.254:80",
                        "[" + LAB.ns("neighbour").v6().getHostAddress() + "]:7000",
                        // The pod has this address too, but it is not where the peer came in.
                        "[" + LAB.ns("server").v6().getHostAddress() + "]:7000"));
    }

    @Test
    void refusesLoopback() throws IOException {
        refuses(
                400,
                BadPeer.FOREIGN_DESTINATION,
                List.of(
                        "127.0.0.1:7000",
                        "127.0.0.1:15000",
                        "127.1.2.3:7000",
                        "[::1]:7000",
                        "[::ffff:127.0.0.1]:7000",
                        "0.0.0.0:7000",
                        "[::]:7000"));
    }

    @Test
    void refusesTheAgentsOwnPorts() throws IOException {
        refuses(503, BadPeer.OWN_PORT, List.of(LAB.authority(15_001), LAB.authority(15_006), LAB.authority(15_008)));
    }

    @Test
    void refusesMalformedAuthorities() throws IOException {
        String ip = LAB.server().getHostAddress();
        refuses(
                400,
                BadPeer.BAD_AUTHORITY,
                List.of(
                        "",
                        ":7000",
                        ip,
                        ip + ":",
                        ip + ":0",
                        ip + ":65536",
                        ip + ":99999999999",
                        ip + ":-1",
                        ip + ":7000x",
                        ip + ":07000",
                        ip + ":+7000",
                        ip + ":7000:7000",
                        "[" + ip + "]:7000",
                        "fd88::2:2:7000",
                        "[fd88::2:2",
                        "[fd88::2:2]",
                        "[fd88::2:2%eth0]:7000",
                        "[]:7000",
                        "user@" + ip + ":7000",
                        "http://" + ip + ":7000/",
                        ip + ":7000/path",
                        "server demo:7000",
                        "s\u00e9rver:7000",
                        "%31.2.3.4:7000",
                        "a".repeat(254) + ":7000",
                        "a".repeat(60_000) + ":7000"));
    }

    @Test
    void refusesHostsThatNobodyKnows() throws IOException {
        Tally tally = LAB.tally();
        try (HostilePeer peer = LAB.greeted()) {
            for (String host : List.of("localhost:7000", "server:7000", "metadata.internal:80")) {
                assertEquals(503, peer.connect(host), host);
            }
        }
        tally.expect(Map.of());
        tally.expectEnded(CloseReason.NO_UPSTREAM, 3);
    }

    private static void refuses(int status, BadPeer kind, List<String> authorities) throws IOException {
        Tally tally = LAB.tally();
        try (HostilePeer peer = LAB.greeted()) {
            for (String authority : authorities) {
                int id = peer.request(H2.block(":method", "CONNECT", ":authority", authority));
                assertEquals(status, peer.status(id), authority);
                peer.awaitReset(id, H2.NO_ERROR);
            }
            LAB.assertServes(peer);
        }
        tally.expect(Map.of(kind, (long) authorities.size()));
    }

    @Test
    void refusesOtherMethods() throws IOException {
        Tally tally = LAB.tally();
        String authority = LAB.authority(BadInputLab.ECHO);
        List<String> methods = List.of("GET", "POST", "OPTIONS", "PUT", "connect", "PRI", "X".repeat(5_000));
        try (HostilePeer peer = LAB.greeted()) {
            for (String method : methods) {
                int id = peer.request(
                        H2.block(":method", method, ":scheme", "https", ":authority", authority, ":path", "/"));
                assertEquals(400, peer.status(id), method);
                peer.awaitReset(id, H2.NO_ERROR);
            }
            LAB.assertServes(peer);
        }
        tally.expect(Map.of(BadPeer.BAD_METHOD, (long) methods.size()));
    }

    @Test
    void refusesRequestsThatBreakTheRules() throws IOException {
        Tally tally = LAB.tally();
        String authority = LAB.authority(BadInputLab.ECHO);
        List<byte[]> blocks = List.of(
                // Extended CONNECT, which was not offered.
                H2.block(
                        ":method",
                        "CONNECT",
                        ":protocol",
                        "websocket",
                        ":scheme",
                        "https",
                        ":authority",
                        authority,
                        ":path",
                        "/"),
                H2.block(":method", "CONNECT", ":authority", authority, ":path", "/"),
                H2.block(":method", "CONNECT"),
                H2.block(":authority", authority),
                H2.block(":method", "CONNECT", ":authority", authority, ":authority", "10.88.2.3:7000"),
                H2.block(":method", "CONNECT", ":method", "CONNECT", ":authority", authority),
                H2.block(":method", "CONNECT", "baggage", "a=b", ":authority", authority),
                H2.block(":method", "CONNECT", ":authority", authority, ":status", "200"),
                H2.block(":method", "CONNECT", ":authority", authority, "Baggage", "a=b"),
                H2.block(":method", "CONNECT", ":authority", authority, "connection", "close"),
                H2.block(":method", "CONNECT", ":authority", authority, "transfer-encoding", "chunked"),
                H2.block(":method", "CONNECT", ":authority", authority, "te", "gzip"),
                H2.block(":method", "CONNECT", ":authority", authority, "x", "a\r\nb: c"),
                H2.block(":method", "CONNECT", ":authority", authority, "x", "a\0b"),
                H2.block(":method", "CONNECT", ":authority", authority + "\r\nx"),
                H2.block(":method", "CONNECT", ":authority", authority, "", "x"));
        try (HostilePeer peer = LAB.greeted()) {
            for (byte[] block : blocks) {
                int id = peer.request(block);
                assertEquals(400, peer.status(id));
                peer.awaitReset(id, H2.PROTOCOL_ERROR);
            }
            LAB.assertServes(peer);
        }
        tally.expect(Map.of(BadPeer.HTTP2_PROTOCOL, (long) blocks.size()));
    }

    @Test
    void refusesTooManyHeaders() throws IOException {
        Tally tally = LAB.tally();
        try (HostilePeer peer = LAB.greeted()) {
            byte[] request = H2.block(":method", "CONNECT", ":authority", LAB.authority(BadInputLab.ECHO));
            int id = peer.request(H2.join(request, H2.repeat(H2.block("a", ""), 2_500)));
            assertEquals(431, peer.status(id));
            peer.awaitReset(id, H2.NO_ERROR);
            LAB.assertServes(peer);
        }
        tally.expectOne(BadPeer.HEADERS_TOO_LARGE);
    }

    /** Few bytes that would unpack to many: one entry of the dynamic table, named again and again. */
    @Test
    void refusesHeadersThatUnpackToTooMuch() throws IOException {
        Tally tally = LAB.tally();
        try (HostilePeer peer = LAB.greeted()) {
            byte[] request = H2.block(":method", "CONNECT", ":authority", LAB.authority(BadInputLab.ECHO));
            byte[] entry = H2.block("a", "b".repeat(4_000));
            entry[0] = 0x40;
            byte[] again = H2.repeat(new byte[] {(byte) 0xbe}, 10_000);
            int id = peer.request(H2.join(request, entry, again));
            assertEquals(431, peer.status(id));
            LAB.assertServes(peer);
        }
        tally.expectOne(BadPeer.HEADERS_TOO_LARGE);
    }

    @Test
    void takesBaggageThatIsTooLongForNothing() throws IOException {
        Tally tally = LAB.tally();
        try (HostilePeer peer = LAB.greeted()) {
            int id = peer.request(H2.block(
                    ":method",
                    "CONNECT",
                    ":authority",
                    LAB.authority(BadInputLab.ECHO),
                    "baggage",
                    "k8s.pod.name=" + "x".repeat(30_000),
                    "forwarded",
                    "for=\"" + "y".repeat(20_000) + "\"",
                    "traceparent",
                    "z".repeat(5_000)));
            assertEquals(200, peer.status(id));
        }
        tally.expect(Map.of());
    }
}
