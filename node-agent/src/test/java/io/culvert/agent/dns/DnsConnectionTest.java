package io.culvert.agent.dns;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.mesh.MeshStore;
import io.culvert.agent.proxy.PodIdentity;
import io.culvert.agent.sim.SimLoop;
import io.culvert.agent.sim.SimNet;
import io.culvert.agent.sim.SimSocket;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.protocol.dns.DnsFrames;
import io.culvert.protocol.dns.DnsName;
import io.culvert.testkit.DnsWire;
import io.culvert.testkit.Gen;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** A client's TCP connection in virtual time; queries go upstream, which answers when the test says. */
class DnsConnectionTest {
    private final SimLoop loop = new SimLoop(false);
    private final MeshStore mesh = new MeshStore(MeshSnapshot.EMPTY);
    private final PodIdentity client = new PodIdentity("uid", "client", "shop", "client");
    private final ArrayDeque<Runnable> upstream = new ArrayDeque<>();
    private final List<DnsConnection> closed = new ArrayList<>();
    private final PodResolver resolver = new PodResolver(new PodResolver.Surroundings(
            loop,
            new ClientWait(loop, mesh, client),
            new MeshNames(new MeshNames.Terms(DnsName.parse("cluster.local"), "", true), () -> new Random(1)),
            (request, protocol, listener) -> {
                upstream.addLast(() -> listener.onAnswer(DnsWire.answer(request, 0, 33, new byte[500])));
                return () -> {};
            },
            new Metrics("", BuildVersion.current()),
            new DnsPod(client, mesh, new Places(4_096, null))));
    private final SimSocket app;
    private final SimSocket ours;
    private final DnsConnection connection;
    private final DnsFrames received = new DnsFrames();

    DnsConnectionTest() {
        SimSocket[] ends = new SimNet(loop, new Gen(3), 1)
                .connect(
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), 4_000),
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), 53));
        app = ends[0];
        ours = ends[1];
        app.listener(() -> {});
        connection = new DnsConnection(loop, ours, resolver, closed::add);
        connection.start();
    }

    private void send(ByteBuffer bytes) {
        ByteBuffer direct =
                ByteBuffer.allocateDirect(bytes.remaining()).put(bytes).flip();
        for (int i = 0; i < 10_000 && direct.hasRemaining() && !app.isClosed(); i++) {
            int _ = app.write(direct);
            loop.run(1_000);
        }
        assertFalse(direct.hasRemaining());
    }

    private void ask(int id) {
        send(DnsFrames.framed(DnsWire.query(id, "www.example.com", DnsWire.SRV)));
    }

    private List<Integer> answered() {
        List<Integer> ids = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            loop.run(1_000);
            ByteBuffer in = ByteBuffer.allocateDirect(20_000);
            if (app.isReadable() && app.read(in) > 0) {
                received.add(in.flip());
            }
            for (byte[] next = received.next(); next != null; next = received.next()) {
                ids.add(DnsWire.parse(next).id());
            }
        }
        return ids;
    }

    @Test
    void answersQueries_inWhateverOrderTheAnswersCome() {
        ask(1);
        ask(2);
        upstream.removeLast().run();
        upstream.removeLast().run();
        assertEquals(List.of(2, 1), answered());
        assertFalse(ours.isClosed());
    }

    @Test
    void readsNoFurther_whileAsManyAsThereMayBeAreUnderWay() {
        for (int i = 0; i < DnsConnection.QUERIES_MAX + 8; i++) {
            ask(i);
        }
        assertEquals(DnsConnection.QUERIES_MAX, upstream.size());
        List<Integer> ids = new ArrayList<>();
        while (!upstream.isEmpty()) {
            upstream.removeFirst().run();
            ids.addAll(answered());
        }
        assertEquals(IntStream.range(0, DnsConnection.QUERIES_MAX + 8).boxed().toList(), ids);
    }

    @Test
    void endsAConnection_thatAsksNothing_andOneThatNeverEndsItsQuery() {
        loop.runSeconds(4);
        send(ByteBuffer.wrap(new byte[] {0, 100, 1}));
        assertFalse(ours.isClosed());
        loop.runSeconds(2);
        assertTrue(ours.isClosed());
        assertEquals(List.of(connection), closed);
        assertEquals(0, loop.timers());
    }

    @Test
    void waitsForAnswersThatTakeTheirTime() {
        ask(1);
        loop.runSeconds(12);
        assertFalse(ours.isClosed());
        upstream.removeFirst().run();
        assertEquals(List.of(1), answered());
        loop.runSeconds(11);
        assertTrue(ours.isClosed());
    }

    @Test
    void answersBeforeItEnds_whenTheClientSaysNoMore() {
        ask(1);
        app.shutdownWrite();
        loop.runSeconds(1);
        assertFalse(ours.isClosed());
        upstream.removeFirst().run();
        assertEquals(List.of(1), answered());
        assertTrue(ours.isClosed());
    }

    @Test
    void answersBeforeItEnds_whenTheAgentDrains() {
        ask(1);
        connection.drain();
        loop.runSeconds(1);
        assertFalse(ours.isClosed());
        upstream.removeFirst().run();
        assertEquals(List.of(1), answered());
        assertTrue(ours.isClosed());
    }

    @Test
    void endsAtOnce_whenWhatComesIsNoMessage_orTheClientIsGone() {
        send(DnsFrames.framed(new byte[5]));
        loop.runSeconds(1);
        assertTrue(ours.isClosed());
        assertEquals(List.of(connection), closed);
    }

    @Test
    void forgetsAnAnswer_whoseClientIsGone() {
        ask(1);
        app.abort();
        loop.runSeconds(1);
        assertTrue(ours.isClosed());
        upstream.removeFirst().run();
        loop.runSeconds(1);
        assertEquals(List.of(connection), closed);
        assertEquals(0, loop.timers());
    }
}
