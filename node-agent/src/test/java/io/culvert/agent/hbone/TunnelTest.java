package io.culvert.agent.hbone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.base.BufferPool;
import io.culvert.agent.certs.TestCa;
import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.relay.Relay;
import io.culvert.agent.relay.RelayOwner;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.sim.SimLoop;
import io.culvert.agent.sim.SimNet;
import io.culvert.agent.sim.SimSocket;
import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.protocol.hbone.ConnectRefusedException;
import io.culvert.protocol.hbone.ConnectRequest;
import io.culvert.protocol.hbone.ConnectResponse;
import io.culvert.protocol.hbone.ConnectTarget;
import io.culvert.protocol.hbone.HboneSettings;
import io.culvert.protocol.hbone.RequestFault;
import io.culvert.protocol.hbone.frame.Http2Code;
import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.net.IpAddress;
import io.culvert.testkit.Gen;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

/** Two tunnels that face each other over a simulated network: PINGs every 10 s, 20 s for an answer, idle after 120 s. */
class TunnelTest {
    private static final TestCa CA = TestCa.root("root");
    private static final TlsMaterial CLIENT = CA.material(PoolRig.OWN, () -> TestCa.EPOCH);
    private static final TlsMaterial SERVER = CA.material(PoolRig.PEER, () -> TestCa.EPOCH);

    private final SimLoop loop = new SimLoop(16L << 20);
    private final SimTransports transports = new SimTransports();
    private SimNet net = new SimNet(loop, new Gen(7), 1_000);
    private SimSocket[] wire = wire();

    TunnelTest() {
        transports.know(CLIENT);
        transports.know(SERVER);
    }

    private SimSocket[] wire() {
        return net.connect(new InetSocketAddress("10.0.0.1", 50_000), new InetSocketAddress("10.0.0.2", 15_008));
    }

    /** One end. */
    private static final class End implements TunnelListener {
        private final List<TunnelStream> streams = new ArrayList<>();
        private final List<BadPeer> faults = new ArrayList<>();
        private final List<CloseReason> lost = new ArrayList<>();
        private final List<Integer> answers = new ArrayList<>();
        private @Nullable Tunnel tunnel;
        private @Nullable CloseReason closed;
        private @Nullable BadPeer badPeer;
        private String detail = "";
        private int opened;
        private boolean accepts = true;

        Tunnel tunnel() {
            Tunnel held = tunnel;
            if (held == null) {
                throw new AssertionError();
            }
            return held;
        }

        @Override
        public void onTunnelOpen(PeerIdentity peer) {
            opened++;
        }

        @Override
        public void onTunnelConnect(TunnelStream stream, ConnectRequest request) {
            streams.add(stream);
            stream.opening(new Opening(this));
            if (accepts) {
                stream.accept(null);
            }
        }

        @Override
        public void onTunnelMalformed(RequestFault fault) {
            throw new AssertionError(fault);
        }

        @Override
        public void onTunnelFault(BadPeer kind) {
            faults.add(kind);
        }

        @Override
        public void onTunnelRoom() {}

        @Override
        public void onTunnelClosed(CloseReason reason, @Nullable String why, @Nullable BadPeer kind) {
            assertNull(closed, "told once");
            closed = reason;
            detail = String.valueOf(why);
            badPeer = kind;
        }
    }

    private record Opening(End end) implements TunnelStream.Opening {
        @Override
        public void onResponse(ConnectResponse response) {
            end.answers.add(response.status());
        }

        @Override
        public void onStreamLost(CloseReason reason, @Nullable String detail) {
            end.lost.add(reason);
        }
    }

    private End client(HboneSettings settings) {
        End end = new End();
        Transport transport = transports.client(loop, wire[0], CLIENT, List.of(PoolRig.PEER));
        end.tunnel = Tunnel.client(loop, transport, PoolRig.tunnelTerms(settings), end);
        end.tunnel().start();
        return end;
    }

    private End server(HboneSettings settings) {
        return server(PoolRig.tunnelTerms(settings));
    }

    private End server(Tunnel.Terms terms) {
        End end = new End();
        Transport transport = transports.server(loop, wire[1], SERVER);
        end.tunnel = Tunnel.server(loop, transport, terms, end);
        end.tunnel().start();
        return end;
    }

    private End client() {
        return client(HboneSettings.forClient());
    }

    private End server() {
        return server(HboneSettings.forServer());
    }

    private TunnelStream connect(End end) {
        try {
            ConnectTarget to = new ConnectTarget.IpTarget(IpAddress.parse("10.0.0.2"), 8_080);
            TunnelStream stream = end.tunnel().connect(ConnectRequest.to(to), new Opening(end));
            end.streams.add(stream);
            return stream;
        } catch (ConnectRefusedException e) {
            throw new AssertionError(e);
        }
    }

    private void settle() {
        loop.run(TimeUnit.MILLISECONDS.toNanos(100));
    }

    private void assertNothingLeft() {
        loop.runSeconds(60);
        assertEquals(List.of(), net.open());
        assertEquals(0, loop.timers());
        assertEquals(0, loop.pool().lentBytes());
        transports.assertEnginesReleased();
    }

    @Test
    void opensAtBothEnds_andAnswersPingsForEver() {
        End client = client();
        End server = server();
        settle();
        assertEquals(1, client.opened);
        assertEquals(1, server.opened);
        TunnelStream _ = connect(client);
        loop.runSeconds(3_600);
        assertTrue(client.tunnel().isOpen() && server.tunnel().isOpen());
        assertEquals(List.of(200), client.answers);
    }

    @Test
    void givesUpAPeerThatAnswersNoPing() {
        End client = client();
        Tunnel.Terms usual = PoolRig.tunnelTerms(HboneSettings.forServer());
        long hour = TimeUnit.HOURS.toNanos(1);
        End server = server(new Tunnel.Terms(usual.session(), hour, hour, hour, hour));
        settle();
        TunnelStream _ = connect(client);
        settle();
        // From here on the peer takes everything in and says nothing.
        wire[1].listener(() -> {});
        loop.runSeconds(29);
        assertNull(client.closed, "10 s until the PING, 20 s for its answer");
        loop.runSeconds(2);
        assertEquals(CloseReason.TUNNEL_LOST, client.closed);
        assertEquals(BadPeer.UNRESPONSIVE, client.badPeer);
        assertEquals(List.of(CloseReason.TUNNEL_LOST), client.lost);
        server.tunnel().close(CloseReason.POD_REMOVED, "over");
        assertNothingLeft();
    }

    @Test
    void givesUpAHandshakeThatDoesNotFinish() {
        End server = server();
        loop.runSeconds(4);
        assertNull(server.closed);
        loop.runSeconds(2);
        assertEquals(CloseReason.HANDSHAKE_TIMEOUT, server.closed);
        assertEquals(BadPeer.HANDSHAKE_TIMEOUT, server.badPeer);
        assertTrue(server.detail.contains("TLS"), server.detail);
        wire[0].close();
        assertNothingLeft();
    }

    @Test
    void givesUpAPeerThatSaysNothingAfterTheHandshake() {
        End server = server();
        // TLS alone: the HTTP/2 preface never comes.
        Transport alone = transports.client(loop, wire[0], CLIENT, List.of(PoolRig.PEER));
        alone.start(new Silent());
        settle();
        assertEquals(1, server.opened);
        loop.runSeconds(6);
        assertEquals(CloseReason.HANDSHAKE_TIMEOUT, server.closed);
        assertTrue(server.detail.contains("preface"), server.detail);
        alone.close();
        assertNothingLeft();
    }

    private static final class Silent implements Transport.Events {
        @Override
        public void onSecured() {}

        @Override
        public void onPlain(ByteBuffer in) {
            in.position(in.limit());
        }

        @Override
        public long standingBytes() {
            return 0;
        }

        @Override
        public void onUnblocked() {}

        @Override
        public void onTransportClosed(Transport.Failure failure, @Nullable Throwable cause) {}
    }

    @Test
    void letsItsStreamsEnd_whenItDrains() {
        End client = client();
        End server = server();
        settle();
        TunnelStream stream = connect(client);
        settle();
        server.tunnel().drain();
        server.tunnel().drain();
        loop.runSeconds(100);
        assertFalse(client.tunnel().canOpen(100));
        assertTrue(client.tunnel().isOpen() && server.tunnel().isOpen(), "a stream is open");
        stream.cancel(Http2Code.CANCEL);
        settle();
        assertEquals(CloseReason.DRAINED, server.closed);
        assertEquals(CloseReason.DRAINED, client.closed);
        assertNull(client.badPeer);
        assertNothingLeft();
    }

    @Test
    void drainsAtOnce_withoutStreams_andBeforeItIsOpen() {
        End client = client();
        End server = server();
        server.tunnel().drain();
        assertEquals(CloseReason.DRAINED, server.closed);
        loop.runSeconds(10);
        assertTrue(client.tunnel().isClosed());
        assertNothingLeft();
    }

    @Test
    void closesAServersTunnel_thatIdles_butNotABusyOne() {
        End client = client();
        End server = server();
        settle();
        TunnelStream stream = connect(client);
        loop.runSeconds(500);
        assertTrue(server.tunnel().isOpen());
        stream.cancel(Http2Code.CANCEL);
        loop.runSeconds(110);
        assertTrue(server.tunnel().isOpen(), "it has idled for less than two minutes");
        loop.runSeconds(30);
        assertEquals(CloseReason.DRAINED, server.closed);
        assertEquals(CloseReason.DRAINED, client.closed);
        assertNothingLeft();
    }

    @Test
    void opensNoMoreStreams_thanThePeerTakes() {
        End client = client();
        End server = server(HboneSettings.forServer().withStreamsMax(3));
        settle();
        for (int i = 0; i < 3; i++) {
            assertTrue(client.tunnel().canOpen(100));
            TunnelStream _ = connect(client);
        }
        assertFalse(client.tunnel().canOpen(100));
        settle();
        assertEquals(3, server.tunnel().streams());
        client.streams.getFirst().cancel(Http2Code.CANCEL);
        settle();
        assertTrue(client.tunnel().canOpen(100));
        assertFalse(client.tunnel().canOpen(2), "our own limit");
    }

    @Test
    void keepsAnUnansweredStream_untilSomebodyEndsIt() {
        End client = client();
        End server = server();
        server.accepts = false;
        settle();
        TunnelStream stream = connect(client);
        settle();
        stream.cancel(Http2Code.CONNECT_ERROR);
        settle();
        assertEquals(List.of(CloseReason.STREAM_RESET), server.lost);
        assertEquals(0, server.tunnel().streams());
        assertTrue(server.tunnel().isOpen());
    }

    @Test
    void keepsNoMoreThanOneBuffer_whenItsPeerDoesNotRead() {
        End client = client();
        End server = server();
        settle();
        TunnelStream stream = connect(client);
        settle();
        wire[1].listener(() -> {});
        SimSocket[] pair = application();
        ByteBuffer much = ByteBuffer.allocate(1 << 20);
        pair[0].listener(() -> pair[0].write(much));
        carry(stream, pair[1]);
        int sent = pair[0].write(much);
        assertTrue(sent > 0);
        settle();
        assertTrue(loop.pool().lentBytes() > 0, "the peer's window is larger than what the network holds");
        assertTrue(
                loop.pool().lentBytes() <= BufferPool.LARGE, () -> loop.pool().lentBytes() + " bytes lent");
        // A stream that is opened, and a PING, find the transport blocked and wait in the session.
        TunnelStream _ = connect(client);
        loop.runSeconds(12);
        assertTrue(
                loop.pool().lentBytes() <= BufferPool.LARGE, () -> loop.pool().lentBytes() + " bytes lent");
        client.tunnel().close(CloseReason.POD_REMOVED, "over");
        server.tunnel().close(CloseReason.POD_REMOVED, "over");
        pair[0].abort();
        assertNothingLeft();
    }

    private SimSocket[] application() {
        SimSocket[] pair = net.connect(new InetSocketAddress("10.0.0.1", 1), new InetSocketAddress("10.0.0.1", 2));
        pair[0].listener(() -> {});
        return pair;
    }

    private void carry(TunnelStream stream, SimSocket end) {
        stream.start(new Relay(loop, end, stream, new Unconcerned()));
    }

    private static final class Unconcerned implements RelayOwner {
        @Override
        public void relayedUp(int count) {}

        @Override
        public void relayedDown(int count) {}

        @Override
        public void relayClosed(CloseReason reason, @Nullable String detail) {}
    }

    @Test
    void theEndOfAStreamGoesWithItsLastBytes() {
        End client = client();
        End server = server();
        settle();
        TunnelStream stream = connect(client);
        settle();
        SimSocket[] near = application();
        SimSocket[] far = application();
        carry(server.streams.getFirst(), far[1]);
        assertEquals(5, near[0].write(ByteBuffer.wrap(new byte[5])));
        near[0].shutdownWrite();
        settle();
        int before = transports.writes;
        carry(stream, near[1]);
        settle();
        ByteBuffer read = ByteBuffer.allocate(10);
        assertEquals(5, far[0].read(read));
        assertEquals(RelaySocket.END, far[0].read(read));
        assertEquals(1, transports.writes - before);
        far[0].close();
        near[0].close();
        client.tunnel().close(CloseReason.POD_REMOVED, "over");
        server.tunnel().close(CloseReason.POD_REMOVED, "over");
        assertNothingLeft();
    }

    /** Sends so much through a stream from one application to the other, checks that it arrives, and ends both directions. */
    private void transfer(TunnelStream stream, TunnelStream at, int length) {
        SimSocket[] near = application();
        SimSocket[] far = application();
        byte[] sent = new byte[length];
        for (int i = 0; i < length; i++) {
            sent[i] = (byte) (i * 31 + (i >>> 8));
        }
        ByteBuffer out = ByteBuffer.wrap(sent);
        ByteBuffer in = ByteBuffer.allocate(length + 1);
        boolean[] ended = new boolean[1];
        near[0].listener(() -> {
            if (!ended[0]) {
                near[0].write(out);
                ended[0] = !out.hasRemaining();
            }
            if (ended[0]) {
                near[0].shutdownWrite();
            }
        });
        far[0].listener(() -> {
            for (int count = 1; count > 0 && far[0].isReadable(); ) {
                count = far[0].read(in);
            }
        });
        carry(at, far[1]);
        carry(stream, near[1]);
        near[0].write(out);
        loop.runSeconds(30);
        assertEquals(ByteBuffer.wrap(sent), in.flip());
        far[0].close();
        near[0].close();
        settle();
    }

    @RepeatedTest(40)
    void carriesALongTransferWhole_whoeverHasTheRecords(RepetitionInfo repetition) {
        Gen gen = new Gen(repetition.getCurrentRepetition());
        net = new SimNet(loop, gen, 1_000);
        wire = wire();
        transports.handOver(gen);
        End client = client();
        End server = server();
        settle();
        TunnelStream stream = connect(client);
        settle();
        transfer(stream, server.streams.getFirst(), 2_000_000);
        assertEquals(0, client.tunnel().streams());
        transports.assertCreditReturned();
        client.tunnel().close(CloseReason.POD_REMOVED, "over");
        loop.runSeconds(1);
        assertEquals(CloseReason.DRAINED, server.closed);
        assertNothingLeft();
    }

    @Test
    void aTunnelIsHeavy_alsoWithWhatIsMovedPastTheProcess() {
        net = new SimNet(loop, new Gen(1), 0, 1 << 20);
        net.splices();
        wire = wire();
        transports.handOverAll(new Gen(1));
        End client = client();
        End server = server();
        settle();
        TunnelStream stream = connect(client);
        settle();
        assertEquals(2, transports.handedOver());
        SimSocket[] near = application();
        SimSocket[] far = application();
        ByteBuffer much = ByteBuffer.allocate(12 << 20);
        near[0].listener(() -> near[0].write(much));
        ByteBuffer in = ByteBuffer.allocate(1 << 20);
        int[] received = new int[1];
        far[0].listener(() -> {
            for (int count = 1; count > 0 && far[0].isReadable(); received[0] += count) {
                count = Math.max(0, far[0].read(in.clear()));
            }
        });
        carry(server.streams.getFirst(), far[1]);
        carry(stream, near[1]);
        near[0].write(much);
        settle();
        assertEquals(12 << 20, received[0]);
        assertTrue(transports.spliced() > 14 << 20, () -> transports.spliced() + " bytes spliced");
        assertTrue(client.tunnel().load().isHeavy());
        assertTrue(server.tunnel().load().isHeavy());
        near[0].abort();
        loop.runSeconds(1);
        client.tunnel().close(CloseReason.POD_REMOVED, "over");
        far[0].close();
        assertNothingLeft();
    }

    @Test
    void losesEveryStream_whenItsConnectionBreaks() {
        End client = client();
        End server = server();
        settle();
        for (int i = 0; i < 5; i++) {
            TunnelStream _ = connect(client);
        }
        settle();
        wire[0].breakOff();
        settle();
        assertEquals(5, client.lost.size());
        assertEquals(5, server.lost.size());
        assertEquals(CloseReason.TUNNEL_LOST, client.closed);
        assertEquals(CloseReason.TUNNEL_LOST, server.closed);
        assertNull(server.badPeer);
        assertNothingLeft();
    }
}
