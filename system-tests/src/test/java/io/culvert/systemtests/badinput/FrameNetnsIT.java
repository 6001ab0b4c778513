package io.culvert.systemtests.badinput;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** HTTP/2 that breaks the rules of its connection, its streams and its windows. */
class FrameNetnsIT {
    @RegisterExtension
    static final BadInputLab LAB = new BadInputLab();

    /** What a peer does once its connection stands. */
    @FunctionalInterface
    private interface Misdeed {
        void by(HostilePeer peer) throws IOException;
    }

    /** It costs the connection, which ends with GOAWAY. */
    private static void endsConnection(int code, BadPeer kind, Misdeed misdeed) throws IOException {
        Tally tally = LAB.tally();
        try (HostilePeer peer = LAB.greeted()) {
            misdeed.by(peer);
            peer.awaitGoAway(code);
        }
        tally.expectOne(kind);
    }

    @Test
    void endsAConnectionThatIsNotHttp2() throws IOException {
        Tally tally = LAB.tally();
        try (HostilePeer peer = LAB.peer()) {
            peer.send(H2.ascii("GET / HTTP/1.1\r\nHost: server\r\n\r\n"));
            peer.awaitGoAway(H2.PROTOCOL_ERROR);
        }
        try (HostilePeer peer = LAB.peer()) {
            peer.send(H2.PREFACE, H2.ping(false, new byte[8]));
            peer.awaitGoAway(H2.PROTOCOL_ERROR);
        }
        tally.expect(Map.of(BadPeer.HTTP2_PROTOCOL, 2L));
        tally.expectEnded(CloseReason.H2_FAILED, 2);
    }

    @Test
    void endsConnectionsThatBreakTheProtocol() throws IOException {
        BadPeer kind = BadPeer.HTTP2_PROTOCOL;
        endsConnection(H2.FRAME_SIZE_ERROR, kind, p -> p.send(H2.header(16_385, H2.DATA, 0, 1)));
        endsConnection(H2.FRAME_SIZE_ERROR, kind, p -> p.send(H2.header(0xff_ffff, 0xfa, 0, 0)));
        endsConnection(H2.FRAME_SIZE_ERROR, kind, p -> p.send(H2.frame(H2.PING, 0, 0, new byte[7])));
        endsConnection(H2.FRAME_SIZE_ERROR, kind, p -> p.send(H2.frame(H2.SETTINGS, 0, 0, new byte[5])));
        endsConnection(H2.PROTOCOL_ERROR, kind, p -> p.send(H2.frame(H2.SETTINGS, 0, 1, new byte[6])));
        endsConnection(H2.PROTOCOL_ERROR, kind, p -> p.send(H2.frame(H2.PUSH_PROMISE, 0, 1, new byte[4])));
        endsConnection(H2.PROTOCOL_ERROR, kind, p -> p.send(H2.data(0, 1, false)));
        endsConnection(H2.PROTOCOL_ERROR, kind, p -> p.send(H2.data(7, 1, false)));
        endsConnection(H2.PROTOCOL_ERROR, kind, p -> p.send(H2.reset(7, 0)));
        endsConnection(H2.PROTOCOL_ERROR, kind, p -> p.send(H2.windowUpdate(7, 1)));
        endsConnection(H2.PROTOCOL_ERROR, kind, p -> p.send(H2.windowUpdate(0, 0)));
        endsConnection(H2.PROTOCOL_ERROR, kind, p -> p.send(H2.connect(2, LAB.authority(BadInputLab.ECHO))));
        endsConnection(H2.PROTOCOL_ERROR, kind, p -> p.send(H2.frame(H2.CONTINUATION, 0, 1, new byte[4])));
        endsConnection(
                H2.PROTOCOL_ERROR, kind, p -> p.send(H2.frame(H2.HEADERS, 0, 1, H2.OK), H2.ping(false, new byte[8])));
        endsConnection(H2.COMPRESSION_ERROR, kind, p -> p.send(H2.headers(1, (byte) 0x80)));
        endsConnection(H2.COMPRESSION_ERROR, kind, p -> p.send(H2.headers(1, (byte) 0xff, (byte) 0xff, (byte) 0xff)));
        endsConnection(H2.PROTOCOL_ERROR, kind, p -> p.send(H2.settings(2, 2)));
    }

    @Test
    void endsAConnectionWhoseHeadersDoNotEnd() throws IOException {
        endsConnection(H2.ENHANCE_YOUR_CALM, BadPeer.HEADERS_TOO_LARGE, p -> {
            p.send(H2.frame(H2.HEADERS, 0, 1, new byte[16_384]));
            p.flood(10, H2.frame(H2.CONTINUATION, 0, 1, new byte[16_384]));
        });
        endsConnection(H2.ENHANCE_YOUR_CALM, BadPeer.HEADERS_TOO_LARGE, p -> {
            p.send(H2.frame(H2.HEADERS, 0, 1, H2.block(":method", "CONNECT")));
            p.flood(1_000, H2.repeat(H2.frame(H2.CONTINUATION, 0, 1), 100));
        });
    }

    /** A header block that is begun and then left; a frame that is. */
    @Test
    void endsAConnectionThatStopsInTheMiddle() throws IOException {
        Tally tally = LAB.tally();
        long began = System.nanoTime();
        try (HostilePeer block = LAB.greeted();
                HostilePeer headers = LAB.greeted();
                HostilePeer data = LAB.greeted()) {
            block.send(H2.frame(H2.HEADERS, 0, 1, H2.block(":method", "CONNECT")));
            headers.send(H2.header(100, H2.HEADERS, H2.END_HEADERS, 1), new byte[50]);
            assertEquals(200, data.connect(LAB.authority(BadInputLab.ECHO)));
            data.send(H2.header(100, H2.DATA, 0, 1), new byte[50]);
            block.awaitGoAwaySilently(H2.ENHANCE_YOUR_CALM);
            headers.awaitGoAwaySilently(H2.ENHANCE_YOUR_CALM);
            // Nobody can answer a PING in the middle of a frame.
            data.awaitGoAwaySilently(H2.NO_ERROR);
        }
        Duration took = Duration.ofNanos(System.nanoTime() - began);
        assertTrue(took.compareTo(BadInputLab.PING.plusSeconds(4)) < 0, "took " + took);
        tally.expect(Map.of(BadPeer.HTTP2_PROTOCOL, 2L, BadPeer.UNRESPONSIVE, 1L));
    }

    @Test
    void endsAConnectionThatOverflowsItsWindow() throws IOException {
        endsConnection(
                H2.FLOW_CONTROL_ERROR, BadPeer.HTTP2_FLOW_CONTROL, p -> p.send(H2.windowUpdate(0, Integer.MAX_VALUE)));
        endsConnection(H2.FLOW_CONTROL_ERROR, BadPeer.HTTP2_FLOW_CONTROL, p -> p.send(H2.settings(4, -1)));
        endsConnection(H2.FLOW_CONTROL_ERROR, BadPeer.HTTP2_FLOW_CONTROL, p -> {
            // Of five streams, each within its own window, the last passes that of all together.
            for (int i = 0; i < 5; i++) {
                p.ask(LAB.authority(BadInputLab.SILENT));
            }
            for (int id = 1; id <= 9; id += 2) {
                p.flood(4, H2.data(id, 13_107, false));
            }
            p.flood(20, H2.data(1, 16_000, false));
        });
    }

    @Test
    void resetsAStreamThatOverflowsItsWindow() throws IOException {
        Tally tally = LAB.tally();
        try (HostilePeer peer = LAB.greeted()) {
            assertEquals(200, peer.connect(LAB.authority(BadInputLab.ECHO)));
            peer.send(H2.windowUpdate(1, Integer.MAX_VALUE));
            peer.awaitReset(1, H2.FLOW_CONTROL_ERROR);
            LAB.assertServes(peer);
        }
        tally.expectOne(BadPeer.HTTP2_FLOW_CONTROL);
        tally.expectEnded(CloseReason.H2_FAILED, 1);
    }

    @Test
    void resetsAStreamThatSendsMoreThanItsWindow() throws IOException {
        Tally tally = LAB.tally();
        try (HostilePeer peer = LAB.greeted()) {
            int id = peer.ask(LAB.authority(BadInputLab.DEAF));
            assertEquals(200, peer.status(id));
            // The application's socket takes some, and gives credit for it; then there is none, and we go on.
            peer.flood(600, H2.data(id, 16_000, false));
            H2.Frame end = peer.await("the end", f -> f.type() == H2.RST_STREAM || f.type() == H2.GOAWAY);
            assertEquals(H2.FLOW_CONTROL_ERROR, end.code());
        }
        tally.expectAtLeast(Map.of(BadPeer.HTTP2_FLOW_CONTROL, 1L));
    }

    @Test
    void resetsStreamsThatBreakTheRules() throws IOException {
        Tally tally = LAB.tally();
        try (HostilePeer peer = LAB.greeted()) {
            peer.connect(LAB.authority(BadInputLab.ECHO));
            peer.send(H2.windowUpdate(1, 0));
            peer.awaitReset(1, H2.PROTOCOL_ERROR);
            peer.connect(LAB.authority(BadInputLab.ECHO));
            peer.send(H2.headers(3, H2.block(":status", "200")));
            peer.awaitReset(3, H2.PROTOCOL_ERROR);
            peer.connect(LAB.authority(BadInputLab.ECHO));
            peer.send(H2.data(5, 0, true), H2.data(5, 10, false));
            peer.awaitReset(5, H2.STREAM_CLOSED);
            LAB.assertServes(peer);
        }
        tally.expect(Map.of(BadPeer.HTTP2_PROTOCOL, 3L));
    }

    @Test
    void answersDataOnAClosedStreamWithStreamClosed() throws IOException {
        Tally tally = LAB.tally();
        try (HostilePeer peer = LAB.greeted()) {
            peer.connect(LAB.authority(BadInputLab.ECHO));
            peer.send(H2.reset(1, H2.CANCEL), H2.data(1, 10, false));
            peer.awaitReset(1, H2.STREAM_CLOSED);
            LAB.assertServes(peer);
        }
        tally.expectOne(BadPeer.HTTP2_PROTOCOL);
    }

    /** A peer may send before it has its 200, which no honest one does; a little of it is kept, and not more. */
    @Test
    void resetsAStreamThatSendsTooMuchTooEarly() throws IOException {
        Tally tally = LAB.tally();
        try (HostilePeer peer = LAB.greeted()) {
            int id = peer.ask(LAB.authority(BadInputLab.SILENT));
            peer.flood(4, H2.data(id, 16_383, false));
            peer.flood(1, H2.data(id, 3, false));
            peer.send(H2.ping(false, new byte[8]));
            peer.await("an answer", f -> f.type() == H2.PING && f.has(H2.ACK));
            peer.flood(1, H2.data(id, 16_000, false));
            peer.awaitReset(id, H2.FLOW_CONTROL_ERROR);
            LAB.assertServes(peer);
        }
        tally.expectOne(BadPeer.HTTP2_FLOW_CONTROL);
    }
}
