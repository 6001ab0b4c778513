package io.culvert.agent.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.contract.App.Content;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.FdCensus;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What two applications may expect of a relayed connection, whatever lies between them: what they would get of a direct one.
 * Afterwards no buffer or pipe is lent, no descriptor open, and no loop has blocked.
 */
@Timeout(120)
abstract class RelayContract {
    private static final int SMALL_BUFFER_BYTES = 32 * 1024;
    /** More than the kernel and the agent together would take for a receiver that takes nothing (tcp_rmem, tcp(7)). */
    private static final long MUCH = 50L << 20;

    static final Duration PATIENCE = Duration.ofSeconds(20);

    /** Two applications that are connected, and what becomes of the relays between them. */
    record Ends(App client, App server, List<Outcome> outcomes) {
        void assertClosed(CloseReason reason) {
            for (Outcome outcome : outcomes) {
                assertEquals(reason, outcome.closed());
            }
        }
    }

    RealNet net = new RealNet(2);
    private RelayPath path = newPath(net);
    private final List<App> apps = new ArrayList<>();
    private FdCensus before = FdCensus.ofSelf();

    /** A fresh way between two applications. */
    abstract RelayPath newPath(RealNet on);

    RelayPath path() {
        return path;
    }

    @BeforeEach
    void watch() {
        LoopWatch.begin();
        before = FdCensus.ofSelf();
    }

    @AfterEach
    void assertNothingLeft() {
        apps.forEach(App::close);
        Eventually.holds("every buffer and pipe came back", PATIENCE, () -> net.lent() == 0 && net.pipesLent() == 0);
        Eventually.passes(
                "every socket was closed",
                PATIENCE,
                () -> assertTrue(FdCensus.ofSelf().count("socket") <= before.count("socket")));
        path.close();
        net.close();
        LoopWatch.assertNothing();
    }

    private App keep(Socket socket) {
        App app = new App(socket);
        apps.add(app);
        return app;
    }

    Ends connect() throws IOException {
        return connect(0, "");
    }

    /** Connects two applications; what the client says at once is said before anything of it is relayed. */
    private Ends connect(int bufferBytes, String saidAtOnce) throws IOException {
        try (ServerSocket listener = new ServerSocket()) {
            if (bufferBytes > 0) {
                listener.setReceiveBufferSize(bufferBytes);
            }
            listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            RealNet.Accepted accepted = net.connect(bufferBytes);
            App client = keep(accepted.app());
            if (!saidAtOnce.isEmpty()) {
                client.send(saidAtOnce);
            }
            List<Outcome> outcomes =
                    path.relay(accepted.fd(), new IpPort(IpAddress.V4_LOOPBACK, listener.getLocalPort()));
            Socket server = listener.accept();
            server.setTcpNoDelay(true);
            return new Ends(client, keep(server), outcomes);
        }
    }

    @Test
    void carriesUrgentData_inItsPlace_andWhatFollows() throws IOException {
        Ends ends = connect();
        for (int i = 0; i < 20; i++) {
            ends.client.send("before");
            ends.client.sendUrgent('!');
            ends.client.send("after");
            assertEquals("before!after", ends.server.read(12));
        }
        ends.server.send("answer");
        assertEquals("answer", ends.client.read(6));
    }

    @Test
    void carriesWhatFollowsUrgentData_toTheEnd() throws IOException {
        List<CompletableFuture<Long>> sent = new ArrayList<>();
        List<CompletableFuture<Content>> read = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            Ends ends = connect();
            long seed = i;
            sent.add(App.beside(() -> sendWithUrgentData(ends.client, seed)));
            read.add(App.beside(ends.server::readToEnd));
        }
        for (int i = 0; i < sent.size(); i++) {
            assertEquals(RealNet.await(sent.get(i)), RealNet.await(read.get(i)).bytes());
        }
    }

    private static long sendWithUrgentData(App app, long seed) throws IOException {
        long bytes = 0;
        for (int i = 0; i < 5; i++) {
            bytes += app.sendMuch(seed, 40_000 * seed % 90_001).bytes() + 1;
            app.sendUrgent('!');
        }
        app.send("and the end");
        app.end();
        return bytes + 11;
    }

    @Test
    void carriesBytesBothWays() throws IOException {
        Ends ends = connect();
        ends.client.send("question");
        assertEquals("question", ends.server.read(8));
        ends.server.send("answer");
        assertEquals("answer", ends.client.read(6));
        for (int i = 0; i < 100; i++) {
            ends.client.send("x");
            assertEquals("x", ends.server.read(1));
            ends.server.send("y");
            assertEquals("y", ends.client.read(1));
        }
        for (Outcome outcome : ends.outcomes) {
            assertFalse(outcome.isClosed());
        }
    }

    @Test
    void letsTheServerSpeakFirst() throws IOException {
        Ends ends = connect();
        ends.server.send("220 ready");
        assertEquals("220 ready", ends.client.read(9));
    }

    @Test
    void carriesWhatWasSaidBeforeAnythingWasOpen() throws IOException {
        Ends ends = connect(0, "said at once");
        assertEquals("said at once", ends.server.read(12));
    }

    @Test
    void carriesMuch_bothWaysAtOnce() throws IOException {
        Ends ends = connect();
        CompletableFuture<Content> up = App.beside(() -> sendAndEnd(ends.client, 1, MUCH));
        CompletableFuture<Content> down = App.beside(() -> sendAndEnd(ends.server, 2, MUCH));
        CompletableFuture<Content> atServer = App.beside(ends.server::readToEnd);
        CompletableFuture<Content> atClient = App.beside(ends.client::readToEnd);
        assertEquals(RealNet.await(down), RealNet.await(atClient));
        assertEquals(RealNet.await(up), RealNet.await(atServer));
        ends.assertClosed(CloseReason.NORMAL);
        for (Outcome outcome : ends.outcomes) {
            assertEquals(2 * MUCH, outcome.up.get() + outcome.down.get(), "every byte was counted");
        }
    }

    private static Content sendAndEnd(App app, long seed, long bytes) throws IOException {
        Content sent = app.sendMuch(seed, bytes);
        app.end();
        return sent;
    }

    @Test
    void answersAfterTheClientHasEnded() throws IOException {
        Ends ends = connect();
        ends.client.send("all of it");
        ends.client.end();
        assertEquals("all of it", ends.server.read(9));
        assertTrue(ends.server.seesEnd());
        Content answer = ends.server.sendMuch(3, 3_000_000);
        for (Outcome outcome : ends.outcomes) {
            assertFalse(outcome.isClosed());
        }
        ends.server.end();
        assertEquals(answer, ends.client.readToEnd());
        ends.assertClosed(CloseReason.NORMAL);
    }

    @Test
    void takesMoreAfterTheServerHasEnded() throws IOException {
        Ends ends = connect();
        ends.server.send("all of it");
        ends.server.end();
        assertEquals("all of it", ends.client.read(9));
        assertTrue(ends.client.seesEnd());
        CompletableFuture<Content> atServer = App.beside(ends.server::readToEnd);
        Content more = sendAndEnd(ends.client, 4, 3_000_000);
        assertEquals(more, RealNet.await(atServer));
        ends.assertClosed(CloseReason.NORMAL);
    }

    @Test
    void endsInGoodOrder_withoutAByte() throws IOException {
        Ends ends = connect();
        ends.client.end();
        assertTrue(ends.server.seesEnd());
        ends.server.end();
        assertTrue(ends.client.seesEnd());
        ends.assertClosed(CloseReason.NORMAL);
    }

    @Test
    void carriesAResetOfTheClient() throws IOException {
        Ends ends = connect();
        ends.client.send("and then");
        assertEquals("and then", ends.server.read(8));
        ends.client.reset();
        assertTrue(ends.server.seesReset());
        assertEquals(CloseReason.RESET_BY_APPLICATION, ends.outcomes.getFirst().closed());
    }

    @Test
    void carriesAResetOfTheServer() throws IOException {
        Ends ends = connect();
        ends.server.send("and then");
        assertEquals("and then", ends.client.read(8));
        ends.server.reset();
        assertTrue(ends.client.seesReset());
        assertEquals(CloseReason.RESET_BY_PEER, ends.outcomes.getFirst().closed());
    }

    @Test
    void carriesAReset_ofAClientThatHadEnded() throws IOException {
        Ends ends = connect();
        ends.client.end();
        assertTrue(ends.server.seesEnd());
        ends.client.reset();
        assertTrue(ends.server.cannotSend());
        for (Outcome outcome : ends.outcomes) {
            assertTrue(outcome.closed() != CloseReason.NORMAL);
        }
    }

    @Test
    void carriesAReset_ofAServerThatHadEnded() throws IOException {
        Ends ends = connect();
        ends.server.end();
        assertTrue(ends.client.seesEnd());
        ends.server.reset();
        assertTrue(ends.client.cannotSend());
        for (Outcome outcome : ends.outcomes) {
            assertTrue(outcome.closed() != CloseReason.NORMAL);
        }
    }

    @Test
    void carriesAReset_whileMuchIsOnItsWay() throws IOException {
        Ends ends = connect();
        CompletableFuture<Boolean> sending = App.beside(ends.client::cannotSend);
        assertEquals(1, ends.server.read(1).length());
        ends.server.reset();
        assertTrue(RealNet.await(sending));
    }

    /** The sender has to wait before it is through, and little of what it sent waits in the agent. */
    private void assertStopped(App sender) {
        Eventually.holds("the sender is stopped", PATIENCE, () -> {
            long seen = sender.sent();
            Eventually.staysSo("sent", Duration.ofMillis(300), () -> sender.sent() == seen);
            return seen > 0;
        });
        assertTrue(sender.sent() < MUCH, () -> sender.sent() + " bytes were taken");
        long waiting = net.lent();
        assertTrue(waiting <= path.waitingBytesMax(), () -> waiting + " bytes of buffers are lent");
    }

    @Test
    void letsASlowReaderSlowItsSender_andNobodyElse() throws IOException {
        Ends slow = connect(SMALL_BUFFER_BYTES, "");
        CompletableFuture<Content> sending = App.beside(() -> sendAndEnd(slow.client, 5, MUCH));
        assertStopped(slow.client);

        Ends other = connect();
        other.client.send("meanwhile");
        assertEquals("meanwhile", other.server.read(9));
        other.server.send("elsewhere");
        assertEquals("elsewhere", other.client.read(9));

        CompletableFuture<Content> read = App.beside(slow.server::readToEnd);
        assertEquals(RealNet.await(sending), RealNet.await(read));
        slow.server.end();
        assertTrue(slow.client.seesEnd());
        slow.assertClosed(CloseReason.NORMAL);
    }

    @Test
    void letsASlowClientSlowTheServer() throws IOException {
        Ends ends = connect(SMALL_BUFFER_BYTES, "");
        CompletableFuture<Content> sending = App.beside(() -> sendAndEnd(ends.server, 6, MUCH));
        assertStopped(ends.server);
        CompletableFuture<Content> read = App.beside(ends.client::readToEnd);
        assertEquals(RealNet.await(sending), RealNet.await(read));
    }

    @Test
    void givesUpWhatNobodyWillRead_whenASlowReaderBreaksOff() throws IOException {
        Ends ends = connect(SMALL_BUFFER_BYTES, "");
        CompletableFuture<Boolean> sending = App.beside(ends.client::cannotSend);
        Eventually.holds("bytes wait", PATIENCE, () -> net.lent() + net.pipesLent() > 0 || sending.isDone());
        ends.server.reset();
        assertTrue(RealNet.await(sending));
    }

    @Test
    void carriesManyConnectionsAtOnce() throws IOException {
        List<Ends> many = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            many.add(connect());
        }
        List<CompletableFuture<Content>> sent = new ArrayList<>();
        List<CompletableFuture<Content>> read = new ArrayList<>();
        for (int i = 0; i < many.size(); i++) {
            Ends ends = many.get(i);
            int seed = i;
            sent.add(App.beside(() -> sendAndEnd(seed % 2 == 0 ? ends.client : ends.server, seed, 500_000 + seed)));
            read.add(App.beside(seed % 2 == 0 ? ends.server::readToEnd : ends.client::readToEnd));
        }
        for (int i = 0; i < many.size(); i++) {
            assertEquals(RealNet.await(sent.get(i)), RealNet.await(read.get(i)));
        }
    }
}
