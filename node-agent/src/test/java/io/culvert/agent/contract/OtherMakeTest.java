package io.culvert.agent.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.protocol.hbone.HboneStream;
import io.culvert.protocol.hbone.frame.Http2Code;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.testkit.Eventually;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What becomes of an application's connection when a peer of another make ends, resets, renews its keys or goes silent. */
@Timeout(60)
class OtherMakeTest {
    private final RealNet net = new RealNet(1);
    private final TunnelServer server = new TunnelServer(net, net.loop(0));
    private final ServerSocket applications = newListener();
    private final RealNet.Listening listening = net.listen();
    private final JdkPeer peer = newPeer();

    /** What the peer speaks. */
    String protocol() {
        return "TLSv1.3";
    }

    TlsMaterial material() {
        return TunnelPath.FAR_MATERIAL;
    }

    TunnelServer server() {
        return server;
    }

    JdkPeer peer() {
        return peer;
    }

    private static ServerSocket newListener() {
        try {
            return new ServerSocket(0, 16, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private JdkPeer newPeer() {
        CompletableFuture<JdkPeer> connecting = App.beside(() -> new JdkPeer(listening.socketAddress(), protocol()));
        server.serve(RealNet.accept(listening), material());
        return RealNet.await(connecting);
    }

    @BeforeEach
    void watch() {
        LoopWatch.begin();
    }

    @AfterEach
    void assertNothingLeft() throws IOException {
        peer.close();
        applications.close();
        CloseReason _ = server.closed();
        Eventually.holds("every buffer came back", Duration.ofSeconds(20), () -> net.lent() == 0);
        RealNet.close(listening);
        net.close();
        LoopWatch.assertNothing();
    }

    private IpPort target() {
        return new IpPort(IpAddress.V4_LOOPBACK, applications.getLocalPort());
    }

    private App accept() throws IOException {
        return new App(applications.accept());
    }

    record Opened(HboneStream stream, App app, Outcome outcome) {}

    Opened open() throws IOException {
        HboneStream stream = peer.connect(target());
        return new Opened(stream, accept(), server.nextOutcome());
    }

    /** A stream that has brought the application this. */
    Opened openAndSay(String said) throws IOException {
        Opened opened = open();
        peer.send(opened.stream, said, false);
        assertEquals(said, opened.app.read(said.length()));
        return opened;
    }

    @Test
    void carriesBytesAndBothEnds() throws IOException {
        Opened opened = open();
        peer.send(opened.stream, "question", true);
        assertEquals("question", opened.app.read(8));
        assertTrue(opened.app.seesEnd());
        opened.app.send("answer");
        opened.app.end();
        peer.awaits(peer::streamEnded);
        assertEquals("answer", peer.received());
        assertEquals(-1, peer.resetCode());
        assertEquals(CloseReason.NORMAL, opened.outcome.closed());
    }

    @Test
    void carriesWhatComesRightBehindTheConnect() throws IOException {
        server.holdBack();
        HboneStream stream = peer.ask(target());
        peer.send(stream, "early", false);
        peer.send(stream, " bird", true);
        Eventually.holds("the request is there", Duration.ofSeconds(10), server::holdsBack);
        assertEquals(0, peer.status());
        server.answer();
        App app = accept();
        assertEquals("early bird", app.read(10));
        assertTrue(app.seesEnd());
        app.send("answer");
        app.end();
        peer.awaits(peer::streamEnded);
        assertEquals(200, peer.status());
        assertEquals("answer", peer.received());
        assertEquals(CloseReason.NORMAL, server.nextOutcome().closed());
    }

    /** The header of a record of application data, and what should have been encrypted. */
    private static byte[] record(int announced, int bytes) {
        ByteBuffer record = ByteBuffer.allocate(5 + bytes);
        record.put((byte) 23).putShort((short) 0x0303).putShort((short) announced);
        return record.array();
    }

    @Test
    void failsAtOnce_whenARecordWasTamperedWith() throws IOException {
        Opened opened = openAndSay("half of");
        peer.sendOnTheWire(record(64, 64));
        assertTrue(opened.app.seesReset());
        assertEquals(CloseReason.TLS_FAILED, server.closed());
    }

    @Test
    void failsAtOnce_whenARecordIsLongerThanRecordsAre() throws IOException {
        Opened opened = openAndSay("half of");
        peer.sendOnTheWire(record(17_000, 100));
        assertTrue(opened.app.seesReset());
        assertEquals(CloseReason.TLS_FAILED, server.closed());
    }

    @Test
    void takesALeaveTakingForAnEnd() throws IOException {
        for (int code : new int[] {Http2Code.NO_ERROR, Http2Code.CANCEL, Http2Code.STREAM_CLOSED}) {
            Opened opened = open();
            peer.send(opened.stream, "last words", false);
            peer.reset(opened.stream, code);
            assertEquals("last words", opened.app.read(10), Http2Code.name(code));
            assertTrue(opened.app.seesEnd(), Http2Code.name(code));
            opened.app.end();
            assertEquals(CloseReason.NORMAL, opened.outcome.closed(), Http2Code.name(code));
            opened.app.close();
        }
    }

    @Test
    void answersBytesAfterALeaveTakingWithAReset() throws IOException {
        Opened opened = open();
        peer.reset(opened.stream, Http2Code.CANCEL);
        assertTrue(opened.app.seesEnd());
        assertTrue(opened.app.cannotSend());
        assertEquals(CloseReason.RESET_BY_APPLICATION, opened.outcome.closed());
    }

    @Test
    void carriesAnyOtherReset() throws IOException {
        for (int code : new int[] {Http2Code.CONNECT_ERROR, Http2Code.INTERNAL_ERROR, Http2Code.PROTOCOL_ERROR}) {
            Opened opened = openAndSay("and then");
            peer.reset(opened.stream, code);
            assertTrue(opened.app.seesReset(), Http2Code.name(code));
            CloseReason told = code == Http2Code.CONNECT_ERROR ? CloseReason.RESET_BY_PEER : CloseReason.STREAM_RESET;
            assertEquals(told, opened.outcome.closed(), Http2Code.name(code));
            opened.app.close();
        }
    }

    @Test
    void saysThatTheApplicationBrokeOff() throws IOException {
        Opened opened = openAndSay("question");
        opened.app.reset();
        peer.awaits(() -> peer.resetCode() >= 0);
        assertEquals(Http2Code.CONNECT_ERROR, peer.resetCode());
        assertFalse(peer.streamEnded(), "an end would pass for a whole answer");
        assertEquals(CloseReason.RESET_BY_APPLICATION, opened.outcome.closed());
    }

    /** Whether the kernel has the records, and cannot have others' keys. */
    private boolean keepsItsKeys() {
        return material().kernel().isThere()
                && protocol().equals("TLSv1.3")
                && !material().kernel().ciphers().containsValue(true);
    }

    @Test
    void goesOnWhenThePeerRenewsItsKeys() throws IOException {
        Opened opened = open();
        if (keepsItsKeys()) {
            assertTrue(peer.updateKeys() > 0);
            assertTrue(opened.app.seesReset(), "an end would pass for all of it");
            assertEquals(CloseReason.TLS_FAILED, server.closed());
            return;
        }
        for (int round = 0; round < 40; round++) {
            // One record of KeyUpdate: a header, a message of five bytes, its type, the JDK's padding, a tag.
            assertEquals(5 + 5 + 1 + 16 + 16, peer.updateKeys());
            peer.send(opened.stream, "question", false);
            assertEquals("question", opened.app.read(8));
            opened.app.send("answer");
            int answers = round + 1;
            peer.awaits(() -> peer.received().length() == 6 * answers);
        }
        peer.end(opened.stream);
        assertTrue(opened.app.seesEnd());
        opened.app.end();
        assertEquals(CloseReason.NORMAL, opened.outcome.closed());
    }

    @Test
    void resetsTheApplication_whenThePeerSaysGoodByeInTheMiddle() throws IOException {
        Opened opened = openAndSay("half of");
        peer.closeInGoodOrder();
        assertTrue(opened.app.seesReset(), "an end would pass for all of it");
        assertEquals(CloseReason.TUNNEL_LOST, server.closed());
    }

    @Test
    void resetsTheApplication_whenThePeerGoesWithoutAWord() throws IOException {
        Opened opened = openAndSay("half of");
        peer.closeWithoutAWord();
        assertTrue(opened.app.seesReset(), "whoever cuts the connection must not be able to feign an end");
        assertEquals(CloseReason.TUNNEL_LOST, server.closed());
    }

    @Test
    void keepsWhatEndedBefore_whenThePeerGoes() throws IOException {
        Opened opened = open();
        peer.send(opened.stream, "all of it", true);
        opened.app.end();
        peer.awaits(peer::streamEnded);
        peer.closeInGoodOrder();
        assertEquals("all of it", opened.app.read(9));
        assertTrue(opened.app.seesEnd());
        assertEquals(CloseReason.NORMAL, opened.outcome.closed());
    }

    @Test
    void deliversAllThatThePeerHadEnded_beforeItWentForGood() throws IOException {
        Opened opened = open();
        String part = "x".repeat(16_000);
        for (int sent = 1; sent <= 200; sent++) {
            peer.send(opened.stream, part, sent == 200);
        }
        peer.closeInGoodOrder();
        assertEquals(CloseReason.TUNNEL_LOST, server.closed());
        assertEquals(200L * 16_000, opened.app.readToEnd().bytes());
        opened.app.end();
        assertEquals(CloseReason.NORMAL, opened.outcome.closed());
    }

    @Test
    void takesLeaveOfAnIdlePeer() throws IOException {
        peer.greet();
        peer.closeWithoutAWord();
        assertEquals(CloseReason.NORMAL, server.closed());
    }

    @Test
    void saysGoodBye_whenItDrains() throws IOException {
        Opened opened = open();
        server.loop().execute(server.tunnel()::drain);
        peer.awaits(peer::goneAway);
        peer.send(opened.stream, "to the end", true);
        assertEquals("to the end", opened.app.read(10));
        opened.app.send("answer");
        opened.app.end();
        peer.awaitsGoodBye();
        assertTrue(peer.streamEnded());
        assertEquals("answer", peer.received());
        assertEquals(CloseReason.DRAINED, server.closed());
    }

    @Test
    void wouldBeFoundOut_ifItSaidNoGoodBye() throws IOException {
        peer.greet();
        server.endWithoutAWord();
        assertThrows(SSLException.class, peer::awaitsGoodBye);
    }

    @Test
    void saysGoodBye_whenItCloses() throws IOException {
        Opened opened = open();
        CompletableFuture<Boolean> reset = App.beside(opened.app::seesReset);
        server.loop().execute(() -> server.tunnel().close(CloseReason.POD_REMOVED, "the pod is gone"));
        peer.awaitsGoodBye();
        assertTrue(peer.goneAway());
        assertTrue(RealNet.await(reset));
        assertEquals(CloseReason.POD_REMOVED, server.closed());
    }
}
