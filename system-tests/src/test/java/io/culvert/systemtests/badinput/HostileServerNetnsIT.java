package io.culvert.systemtests.badinput;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.systemtests.lab.MeshYaml;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * A destination whose HBONE port is in the wrong hands: the application sees a reset within bounds, and the reason is told
 * right. The bystanders' tunnel is another one of the same pod.
 */
class HostileServerNetnsIT {
    private static final Duration AT_ONCE = Duration.ofSeconds(2);
    private static final Duration IN_TIME = BadInputLab.HANDSHAKE.plusSeconds(3);
    private static final int PORT = 9_000;
    /** How often one stream is asked for: once, and three times anew. */
    private static final int ASKED_MAX = 4;

    @RegisterExtension
    static final BadInputLab LAB = new BadInputLab();

    /** What the server does with a peer whose connection stands and that asks for this stream. */
    @FunctionalInterface
    private interface Answer {
        void to(HostilePeer peer, int stream) throws IOException;
    }

    private static TestCa.Identity evil() {
        return LAB.ca().identity(MeshYaml.idOf("evil"));
    }

    private static void resets(
            Duration within, CloseReason reason, Map<BadPeer, Long> counted, HostileServer.Behaviour behaviour)
            throws IOException {
        Tally tally = Tally.of(LAB.clientAgent());
        Tally bystanders = LAB.tally();
        try (HostileServer server = HostileServer.start(LAB.ns("evil"), behaviour)) {
            assertEquals(PeerGoneException.How.RST, end(within));
            assertTrue(server.accepted() >= 1, "nobody came");
        }
        tally.expect(counted);
        tally.expectEnded(reason, 1);
        bystanders.expect(Map.of());
    }

    /** The application sends a little first, as most do. */
    private static PeerGoneException.How end(Duration within) throws IOException {
        try (PeerSocket app =
                PeerSocket.connect(LAB.ns("client"), LAB.ns("evil").ipv4(), PORT)) {
            app.write(new byte[100]);
            return app.awaitEnd(within);
        } catch (PeerGoneException gone) {
            return gone.how();
        }
    }

    private static void resets(CloseReason reason, BadPeer kind, HostileServer.Behaviour behaviour) throws IOException {
        resets(AT_ONCE, reason, Map.of(kind, 1L), behaviour);
    }

    private static void shows(TestCa.Identity identity, CloseReason reason, BadPeer kind) throws IOException {
        resets(
                reason,
                kind,
                socket ->
                        HostilePeer.accept(socket, TlsSession.Look.of(identity)).welcome());
    }

    /** After a good handshake and preface. */
    private static void answers(Duration within, CloseReason reason, Map<BadPeer, Long> counted, Answer answer)
            throws IOException {
        resets(within, reason, counted, socket -> {
            HostilePeer peer =
                    HostilePeer.accept(socket, TlsSession.Look.of(evil())).welcome();
            int stream = peer.awaitRequest();
            answer.to(peer, stream);
            peer.idle(IN_TIME);
        });
    }

    private static void answers(CloseReason reason, BadPeer kind, Answer answer) throws IOException {
        answers(AT_ONCE, reason, Map.of(kind, 1L), answer);
    }

    @Test
    void wrongCertificates() throws IOException {
        String id = MeshYaml.idOf("evil");
        TestCa ca = LAB.ca();
        assertAll(
                () -> shows(
                        ca.identity(MeshYaml.idOf("server")),
                        CloseReason.PEER_IDENTITY_MISMATCH,
                        BadPeer.WRONG_IDENTITY),
                () -> shows(
                        ca.identity("spiffe://other/ns/demo/sa/evil"),
                        CloseReason.PEER_IDENTITY_MISMATCH,
                        BadPeer.WRONG_IDENTITY),
                () -> shows(TestCa.fresh(null).identity(id), CloseReason.TLS_FAILED, BadPeer.UNTRUSTED_CERTIFICATE),
                () -> shows(TestCa.fresh(ca).identity(id), CloseReason.TLS_FAILED, BadPeer.UNTRUSTED_CERTIFICATE),
                () -> shows(
                        ca.leaf()
                                .san(TestCa.URI, id)
                                .valid(
                                        Instant.now().minusSeconds(7_200),
                                        Instant.now().minusSeconds(3_600))
                                .identity(),
                        CloseReason.TLS_FAILED,
                        BadPeer.EXPIRED_CERTIFICATE),
                () -> shows(
                        ca.leaf()
                                .san(TestCa.URI, id)
                                .san(TestCa.URI, MeshYaml.idOf("server"))
                                .identity(),
                        CloseReason.TLS_FAILED,
                        BadPeer.BAD_SPIFFE_ID),
                () -> shows(
                        ca.leaf()
                                .san(TestCa.URI, id)
                                .purposes(KeyPurposeId.id_kp_clientAuth)
                                .identity(),
                        CloseReason.TLS_FAILED,
                        BadPeer.UNTRUSTED_CERTIFICATE));
    }

    @Test
    void noTls() throws IOException {
        resets(CloseReason.TLS_FAILED, BadPeer.NOT_TLS, socket -> {
            socket.read(AT_ONCE);
            socket.write(H2.ascii("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"));
        });
        resets(CloseReason.TLS_FAILED, BadPeer.NOT_TLS, socket -> socket.write(H2.ascii("SSH-2.0-OpenSSH_9.9\r\n")));
        resets(CloseReason.TLS_FAILED, BadPeer.TLS_HANDSHAKE, socket -> {
            socket.read(AT_ONCE);
            socket.reset();
        });
        resets(CloseReason.TLS_FAILED, BadPeer.TLS_HANDSHAKE, socket -> {
            socket.read(AT_ONCE);
            socket.close();
        });
        resets(
                CloseReason.TLS_FAILED,
                BadPeer.TLS_HANDSHAKE,
                socket -> socket.write(new byte[] {21, 3, 3, 0, 2, 2, 40}));
    }

    @Test
    void tlsThatWeDoNotSpeak() throws IOException {
        resets(CloseReason.TLS_FAILED, BadPeer.TLS_HANDSHAKE, socket -> {
            TlsSession.server(socket, new TlsSession.Look(evil(), "TLSv1.2", List.of("h2")))
                    .handshake(AT_ONCE);
        });
    }

    @Test
    void nobodyThere() throws IOException {
        Tally tally = Tally.of(LAB.clientAgent());
        assertEquals(PeerGoneException.How.RST, end(AT_ONCE));
        tally.expect(Map.of());
        tally.expectEnded(CloseReason.CONNECT_FAILED, 1);
    }

    @Test
    void silenceInsteadOfTls() throws IOException {
        resets(IN_TIME, CloseReason.HANDSHAKE_TIMEOUT, Map.of(BadPeer.HANDSHAKE_TIMEOUT, 1L), socket -> {});
    }

    @Test
    void silenceInsteadOfSettings() throws IOException {
        resets(IN_TIME, CloseReason.HANDSHAKE_TIMEOUT, Map.of(BadPeer.HANDSHAKE_TIMEOUT, 1L), socket -> {
            HostilePeer peer = HostilePeer.accept(socket, TlsSession.Look.of(evil()));
            peer.tls().read(IN_TIME);
        });
    }

    /** A late answer is the peer's load, not its guilt. */
    @Test
    void silenceInsteadOfAnAnswer() throws IOException {
        answers(IN_TIME, CloseReason.CONNECT_RESPONSE_TIMEOUT, Map.of(), (peer, stream) -> {});
    }

    @Test
    void noise() throws IOException {
        resets(CloseReason.H2_FAILED, BadPeer.HTTP2_PROTOCOL, socket -> {
            HostilePeer peer = HostilePeer.accept(socket, TlsSession.Look.of(evil()));
            peer.send(H2.ascii("HTTP/1.1 400 Bad Request\r\n\r\nHTTP/1.1 400 Bad Request\r\n\r\n"));
            peer.awaitGone();
        });
    }

    @Test
    void leavingAtOnce() throws IOException {
        answers(
                AT_ONCE,
                CloseReason.STREAM_RESET,
                Map.of(),
                (peer, stream) -> peer.send(H2.reset(stream, H2.CONNECT_ERROR)));
        answers(AT_ONCE, CloseReason.TUNNEL_LOST, Map.of(), (peer, stream) -> peer.close());
        answers(
                AT_ONCE,
                CloseReason.TUNNEL_LOST,
                Map.of(),
                (peer, stream) -> peer.socket().reset());
    }

    /** What was refused may be asked for again, but not for ever: in the same tunnel, or in the next. */
    @Test
    void refusingEveryStream() throws IOException {
        AtomicInteger asked = new AtomicInteger();
        answers(AT_ONCE, CloseReason.STREAM_RESET, Map.of(), (peer, first) -> {
            for (int stream = first; ; stream += 2) {
                asked.incrementAndGet();
                peer.send(H2.reset(stream, H2.REFUSED_STREAM));
                peer.awaitRequest();
            }
        });
        assertEquals(ASKED_MAX, asked.getAndSet(0));
        answers(AT_ONCE, CloseReason.STREAM_RESET, Map.of(), (peer, stream) -> {
            asked.incrementAndGet();
            peer.send(H2.goAway(0, H2.NO_ERROR));
        });
        assertEquals(ASKED_MAX, asked.get());
    }

    @Test
    void statusesThatAreNot200() throws IOException {
        for (String status : List.of("204", "301", "401", "503", "599")) {
            answers(
                    AT_ONCE,
                    CloseReason.CONNECT_REFUSED_STATUS,
                    Map.of(),
                    (peer, stream) -> peer.send(H2.headers(stream, H2.block(":status", status))));
        }
    }

    @Test
    void answersThatAreNone() throws IOException {
        for (byte[] block : List.of(
                H2.block(":status", "20"),
                H2.block(":status", "2000"),
                H2.block(":status", "abc"),
                H2.block(":status", "101"),
                H2.block(":status", "200", ":status", "200"),
                H2.block("server", "evil"),
                H2.block(":method", "CONNECT"),
                H2.block(":status", "200", "Baggage", "x"))) {
            answers(
                    CloseReason.H2_FAILED,
                    BadPeer.HTTP2_PROTOCOL,
                    (peer, stream) -> peer.send(H2.headers(stream, block)));
        }
    }

    @Test
    void headersWithoutEnd() throws IOException {
        answers(CloseReason.H2_FAILED, BadPeer.HEADERS_TOO_LARGE, (peer, stream) -> {
            peer.send(H2.frame(H2.HEADERS, 0, stream, H2.OK));
            peer.flood(100, H2.frame(H2.CONTINUATION, 0, stream, H2.block("a", "b".repeat(10_000))));
        });
    }

    @Test
    void interimAnswersWithoutEnd() throws IOException {
        answers(
                CloseReason.H2_FAILED,
                BadPeer.HTTP2_FLOOD,
                (peer, stream) -> peer.flood(100, H2.repeat(H2.headers(stream, H2.block(":status", "103")), 10)));
    }

    @Test
    void dataBeforeTheAnswer() throws IOException {
        answers(
                CloseReason.H2_FAILED,
                BadPeer.HTTP2_PROTOCOL,
                (peer, stream) -> peer.send(H2.data(stream, 100, false)));
    }

    /** The application reads nothing until it is over: else what it has read would be credit for more. */
    @Test
    void moreDataThanTheWindow() throws IOException {
        Tally tally = Tally.of(LAB.clientAgent());
        try (HostileServer _ = HostileServer.start(LAB.ns("evil"), socket -> {
                    HostilePeer peer = HostilePeer.accept(socket, TlsSession.Look.of(evil()))
                            .welcome();
                    int stream = peer.awaitRequest();
                    peer.send(H2.headers(stream, H2.OK));
                    peer.flood(600, H2.data(stream, 16_384, false));
                });
                PeerSocket app =
                        PeerSocket.connect(LAB.ns("client"), LAB.ns("evil").ipv4(), PORT)) {
            tally.expectAtLeast(Map.of(BadPeer.HTTP2_FLOW_CONTROL, 1L));
            assertEquals(PeerGoneException.How.RST, app.awaitEnd(AT_ONCE));
        }
        tally.expectEnded(CloseReason.H2_FAILED, 1);
    }

    @Test
    void aPushedStream() throws IOException {
        answers(
                CloseReason.H2_FAILED,
                BadPeer.HTTP2_PROTOCOL,
                (peer, stream) -> peer.send(H2.frame(
                        H2.PUSH_PROMISE, H2.END_HEADERS, stream, H2.join(H2.int32(2), H2.block(":method", "GET")))));
    }

    @Test
    void floodsOfAServer() throws IOException {
        answers(
                CloseReason.H2_FAILED,
                BadPeer.HTTP2_FLOOD,
                (peer, stream) -> peer.flood(100, H2.repeat(H2.ping(false, new byte[8]), 100)));
        answers(
                CloseReason.H2_FAILED,
                BadPeer.HTTP2_FLOOD,
                (peer, stream) -> peer.flood(100, H2.repeat(H2.settings(4, 100), 20)));
    }
}
