package io.culvert.protocol.hbone;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.hbone.ConnectRefusedException.Reason;
import io.culvert.protocol.hbone.frame.Http2Code;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class HboneSessionTest {
    private static final byte[] HELLO = "hello".getBytes(StandardCharsets.US_ASCII);

    private End client = End.client();
    private End server = End.server();

    /** Moves octets until neither end has any. */
    private void exchange() {
        for (int round = 0; round < 10_000; round++) {
            byte[] toServer = client.drain();
            server.take(toServer);
            byte[] toClient = server.drain();
            client.take(toClient);
            if (toServer.length == 0 && toClient.length == 0) {
                return;
            }
        }
        throw new AssertionError("the ends never fall silent");
    }

    private HboneStream connected() {
        HboneStream s = client.connect("10.0.0.1:80");
        exchange();
        assertTrue(s.isConnected());
        return s;
    }

    @Test
    void carriesBothDirections_andClosesAfterBothEnds() {
        HboneStream c = connected();
        assertEquals(5, client.send(c, HELLO, 0, true));
        exchange();
        HboneStream s = server.stream(1);
        assertArrayEquals(HELLO, server.received(1));
        assertTrue(s.isRemoteEnded());
        assertTrue(c.isLocalEnded());
        server.send(s, HELLO, 0, false);
        server.session.end(s);
        exchange();
        assertArrayEquals(HELLO, client.received(1));
        assertTrue(c.isClosed());
        assertTrue(s.isClosed());
        assertEquals(List.of("settings", "response 1 200", "end 1"), client.events);
        assertEquals(List.of("settings", "connect 1 10.0.0.1:80", "end 1"), server.events);
        assertEquals(0, client.session.openStreams());
        assertEquals(0, server.session.openStreams());
    }

    @Test
    void countsPayload_thatGoesAnotherWay() {
        server.passes = true;
        server.consumeAtOnce = false;
        HboneStream c = connected();
        byte[] payload = new byte[40_000];
        payload[39_999] = 7;
        assertEquals(40_000, client.send(c, payload, 0, true));
        exchange();
        assertArrayEquals(payload, server.received(1));
        assertEquals(40_000, server.stream(1).outstanding());
        assertEquals(40_000, server.session.standing());
        assertTrue(server.saw("end 1"));
        server.session.consumed(server.stream(1), 40_000);
        assertEquals(0, server.session.standing());
        assertEquals(0, server.session.payloadLeft());
        assertNull(server.session.payloadStream());
        assertThrows(IllegalArgumentException.class, () -> server.session.passed(1, 0));
    }

    @Test
    void tellsWhosePayloadComes_butNotOfAStreamThatIsOver() {
        HboneStream c = connected();
        client.send(c, new byte[1_000], 0, false);
        byte[] frame = client.drain();
        server.take(frame, 0, 9 + 400);
        assertEquals(600, server.session.payloadLeft());
        assertSame(server.stream(1), server.session.payloadStream());
        server.session.reset(server.stream(1), Http2Code.CANCEL);
        assertEquals(600, server.session.payloadLeft());
        assertNull(server.session.payloadStream());
        int credit = server.session.receiveCredit();
        server.session.passed(600, 0);
        assertEquals(credit + 600, server.session.receiveCredit());
        assertEquals(0, server.session.payloadLeft());
    }

    @Test
    void tellsHowFarTheNextHeaderIs_whenNoPayloadComesBefore() {
        HboneStream c = connected();
        assertEquals(9, server.session.untilHeader());
        byte[] update = {0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1};
        server.take(update, 0, 2);
        assertEquals(7, server.session.untilHeader());
        server.take(update, 2, 7);
        assertEquals(4 + 9, server.session.untilHeader());
        server.take(update, 9, 3);
        assertEquals(1 + 9, server.session.untilHeader());
        server.take(update, 12, 1);
        assertEquals(9, server.session.untilHeader());
        byte[] padded = {0, 0, 6, 0, 8, 0, 0, 0, (byte) c.id(), 3, 1, 2, 0, 0, 0};
        server.take(padded, 0, 9);
        assertEquals(1, server.session.untilHeader(), "how long the padding is");
        server.take(padded, 9, 3);
        assertEquals(0, server.session.payloadLeft());
        assertEquals(3 + 9, server.session.untilHeader(), "the padding, and the next header");
        server.take(padded, 12, 3);
        assertEquals(9, server.session.untilHeader());
    }

    @Test
    void carriesTheRequestHeaders_andTheResponseBaggage() {
        server.acceptAtOnce = false;
        ConnectTarget target = new ConnectTarget.HostTarget("Web.default.svc.cluster.local", 8080);
        ConnectRequest request = new ConnectRequest(
                target,
                "k8s.namespace.name=default",
                "for=\"[2001:db8::1]:4711\";host=web",
                new TraceParent(1, 2, 3, 0).format(),
                "");
        client.connect(request);
        exchange();
        assertEquals(List.of(request), server.requests);
        server.session.accept(server.stream(1), "k8s.namespace.name=prod");
        exchange();
        assertTrue(client.saw("response 1 200 k8s.namespace.name=prod"));
    }

    @Test
    void refusesWithStatus_andResetsWhatThePeerHasNotEnded() {
        server.acceptAtOnce = false;
        HboneStream c = client.connect("10.0.0.1:80");
        exchange();
        server.session.refuse(server.stream(1), 401);
        exchange();
        assertEquals(List.of("settings", "response 1 401", "end 1", "reset 1 NO_ERROR"), client.events);
        assertTrue(c.isClosed());
        assertEquals(0, client.session.sendable(c));
        assertEquals(-1, client.errorCode);
        assertEquals(-1, server.errorCode);
    }

    @Test
    void passesAnyResetCodeThrough() {
        HboneStream c = connected();
        client.session.reset(c, Http2Code.CONNECT_ERROR);
        exchange();
        assertTrue(server.saw("reset 1 CONNECT_ERROR"));
        connected();
        server.session.reset(server.stream(3), 0x77);
        exchange();
        assertTrue(client.saw("reset 3 0x77"));
        assertEquals(0, server.session.openStreams());
    }

    @Test
    void stopsAtTheWindow_andGoesOnWhenTheApplicationConsumed() {
        client = End.client();
        server = End.server(HboneSettings.forServer().withWindows(1000, 65_535));
        HboneStream c = connected();
        server.consumeAtOnce = false;
        byte[] payload = new byte[3000];
        assertEquals(1000, client.send(c, payload, 0, true));
        exchange();
        assertEquals(1000, server.stream(1).outstanding());
        assertEquals(0, client.session.sendable(c));
        server.session.consumed(server.stream(1), 499);
        exchange();
        assertFalse(client.saw("sendable 1"));
        server.session.consumed(server.stream(1), 1);
        exchange();
        assertTrue(client.saw("sendable 1"));
        assertEquals(500, client.session.sendable(c));
    }

    @Test
    void sharesConnectionCreditInTurns() {
        server = End.server(HboneSettings.forServer().withWindows(1 << 20, 65_535));
        server.consumeAtOnce = false;
        HboneStream a = connected();
        HboneStream b = connected();
        assertEquals(60_000, client.send(a, new byte[60_000], 0, false));
        assertEquals(5_535, client.send(b, new byte[5_535], 0, false));
        assertEquals(0, client.session.sendable(a));
        assertEquals(0, client.session.sendable(b));
        exchange();
        server.session.consumed(server.stream(1), 40_000);
        exchange();
        List<String> sendable =
                client.events.stream().filter(e -> e.startsWith("sendable")).toList();
        assertEquals(List.of("sendable 1", "sendable 3"), sendable);
    }

    @Test
    void resetGivesBackTheCreditOfWhatTheApplicationNeverTook() {
        server = End.server(HboneSettings.forServer().withWindows(65_535, 65_535));
        server.consumeAtOnce = false;
        HboneStream a = connected();
        HboneStream b = connected();
        client.send(a, new byte[65_535], 0, false);
        exchange();
        assertEquals(0, client.session.sendable(b));
        server.session.reset(server.stream(1), Http2Code.CANCEL);
        exchange();
        assertTrue(client.saw("sendable 3"));
        assertTrue(client.session.sendable(b) > 0);
    }

    @Test
    void opensNoMoreStreamsThanThePeerAllows() throws ConnectRefusedException {
        server = End.server(HboneSettings.forServer().withStreamsMax(2));
        exchange();
        assertEquals(2, client.session.streamLimit());
        connected();
        connected();
        assertFalse(client.session.canOpen());
        ConnectRefusedException refused = assertThrows(
                ConnectRefusedException.class,
                () -> client.session.connect(ConnectRequest.to(new ConnectTarget.HostTarget("a", 1))));
        assertEquals(Reason.STREAM_LIMIT, refused.reason());
        client.session.reset(client.stream(1), Http2Code.CANCEL);
        assertTrue(client.session.canOpen());
    }

    @Test
    void drainsGracefully_withTwoGoAways() {
        HboneStream c = connected();
        server.session.goAway(Http2Code.NO_ERROR, true);
        assertTrue(server.session.isDraining());
        HboneStream late = client.connect("10.0.0.1:81");
        exchange();
        assertEquals(
                List.of("goaway 2147483647 NO_ERROR", "goaway 3 NO_ERROR"),
                client.events.stream().filter(e -> e.startsWith("goaway")).toList());
        assertTrue(late.isConnected());
        assertFalse(client.session.canOpen());
        assertFalse(server.session.isFinished());
        for (HboneStream s : List.of(c, late)) {
            client.session.end(s);
            server.session.end(server.stream(s.id()));
        }
        exchange();
        assertTrue(server.session.isFinished());
        assertTrue(client.session.isFinished());
    }

    @Test
    void tellsStreamsThatAGoAwayExcluded() {
        exchange();
        HboneStream c = client.connect("10.0.0.1:80");
        server.session.goAway(Http2Code.ENHANCE_YOUR_CALM, false);
        client.take(server.drain());
        assertTrue(client.saw("reset 1 REFUSED_STREAM"));
        assertTrue(c.isClosed());
        server.take(client.drain());
        assertEquals(0, server.session.openStreams());
        assertEquals(0, server.requests.size());
    }

    @Test
    void answersPings() {
        client.session.ping(42);
        exchange();
        assertTrue(client.saw("pong 42"));
    }

    @Test
    void acceptsLessThanAHeaderOfOutputAtATime() {
        HboneSession session = End.client().session;
        ByteBuffer all = ByteBuffer.allocate(session.pendingOutput());
        int before = session.pendingOutput();
        while (session.pendingOutput() > 0) {
            ByteBuffer one = ByteBuffer.allocate(1);
            assertEquals(1, session.drainOutput(one));
            all.put(one.flip());
        }
        assertEquals(before, all.position());
        assertArrayEquals(End.client().drain(), all.array());
    }
}
