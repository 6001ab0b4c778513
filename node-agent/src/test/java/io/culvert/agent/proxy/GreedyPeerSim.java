package io.culvert.agent.proxy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.base.Loop;
import io.culvert.agent.base.ShareLoop;
import io.culvert.agent.certs.TestCa;
import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.config.AgentConfig;
import io.culvert.agent.hbone.SimTransports;
import io.culvert.agent.mesh.Records;
import io.culvert.agent.relay.Dialer;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.sim.SimLoop;
import io.culvert.agent.sim.SimPipe;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.protocol.hbone.HboneSettings;
import io.culvert.protocol.hbone.HboneStream;
import io.culvert.protocol.hbone.frame.FrameWriter;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.workload.Workload;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Peers that keep to the protocol, and take nothing, or go when it suits nobody: what becomes of the others, and of what they leave. */
class GreedyPeerSim {
    private static final Workload SERVER =
            Records.pod("server", "10.0.0.2").hbone().node("node-b").build();
    private static final Workload CLIENT =
            Records.pod("client", "10.0.0.1").hbone().node("node-a").build();
    private static final TestCa CA = TestCa.root("root");
    private static final TlsMaterial CLIENT_MATERIAL = CA.material(CLIENT.identity(), () -> TestCa.EPOCH);
    private static final TlsMaterial SERVER_MATERIAL = CA.material(SERVER.identity(), () -> TestCa.EPOCH);
    private static final AgentConfig CONFIG = TestConfig.defaults();
    private static final int FLOOD_PORT = 9_000;
    private static final int IDLE_PORT = 9_001;
    private static final int ECHO_PORT = 9_002;
    private static final int TAKER_PORT = 9_004;

    /** What loops get by default with two worker threads: three quarters of 512 MiB, halved. */
    private static final long LOOP_BYTES = 192L << 20;

    private final SimLoop loop = new SimLoop(LOOP_BYTES);
    private final SimTransports transports = new SimTransports();
    private final Metrics metrics = new Metrics("", BuildVersion.current());
    private final List<SimPipe> apps = new ArrayList<>();
    private final SimNode server;
    private int ports = 20_000;
    private final Flood taker = new Flood(false);

    GreedyPeerSim() {
        transports.know(CLIENT_MATERIAL);
        transports.know(SERVER_MATERIAL);
        server = new SimNode(loop, CONFIG, metrics, transports, this::dialApp, SERVER, () -> TestCa.EPOCH);
        server.certificates.put(SERVER_MATERIAL);
        server.publish(List.of(SERVER, CLIENT), List.of());
    }

    private Runnable dialApp(IpPort target, @Nullable IpAddress source, Dialer.Listener listener) {
        if (target.port() == TAKER_PORT) {
            loop.outside(() -> listener.onConnected(taker), 0);
            return () -> {};
        }
        if (target.port() == FLOOD_PORT) {
            loop.outside(() -> listener.onConnected(new Flood(true)), 0);
            return () -> {};
        }
        SimPipe[] pair = SimPipe.pair(loop, "10.0.0.1", ports++, "10.0.0.2", target.port(), 64 << 10);
        apps.add(pair[1]);
        if (target.port() == ECHO_PORT) {
            pair[1].listener(new Echo(pair[1]));
        }
        loop.outside(() -> listener.onConnected(pair[0]), 0);
        return () -> {};
    }

    /** An echo server as everybody writes it: what it has read it writes before it reads on. */
    private static final class Echo implements RelaySocket.Listener {
        private final SimPipe socket;
        private final ByteBuffer buffer = ByteBuffer.allocate(16 << 10).limit(0);

        Echo(SimPipe socket) {
            this.socket = socket;
        }

        @Override
        public void onReady() {
            while (!socket.isClosed()) {
                if (socket.errorSeen()) {
                    socket.abort();
                } else if (buffer.hasRemaining()) {
                    if (!socket.isWritable() || socket.write(buffer) < 0) {
                        return;
                    }
                } else if (socket.isReadable()) {
                    int count = socket.read(buffer.clear());
                    buffer.flip();
                    if (count < 0) {
                        socket.close();
                    }
                } else {
                    return;
                }
            }
        }
    }

    private SimPeer peer(int port, int streams, HboneSettings settings, SimPipe[] wire) {
        Loop own = new ShareLoop(loop);
        SimPeer peer = new SimPeer(
                own,
                settings,
                on -> transports.client(on, wire[0], CLIENT_MATERIAL, List.of(SERVER.identity())),
                port,
                streams);
        InboundTunnel.accept(server.podLoop, wire[1]);
        peer.start();
        return peer;
    }

    private SimPipe[] wire(int capacity) {
        return SimPipe.pair(loop, "10.0.0.1", ports++, "10.0.0.2", 15_008, capacity);
    }

    /** An application that always has something to say. */
    private static final class Flood implements RelaySocket {
        private final boolean says;
        private boolean closed;
        private boolean ended;
        private boolean aborted;
        private long taken;

        Flood(boolean says) {
            this.says = says;
        }

        @Override
        public void listener(Listener next) {}

        @Override
        public boolean isReadable() {
            return !closed && says;
        }

        @Override
        public boolean isWritable() {
            return !closed;
        }

        @Override
        public boolean errorSeen() {
            return false;
        }

        @Override
        public int read(ByteBuffer into) {
            int count = into.remaining();
            into.position(into.limit());
            return count;
        }

        @Override
        public int write(ByteBuffer from) {
            int count = from.remaining();
            taken += count;
            from.position(from.limit());
            return count;
        }

        @Override
        public void shutdownWrite() {
            ended = true;
        }

        @Override
        public void abort() {
            aborted = true;
            closed = true;
        }

        @Override
        public void close() {
            closed = true;
        }

        @Override
        public boolean isClosed() {
            return closed;
        }

        @Override
        public @Nullable InetSocketAddress remoteAddress() {
            return null;
        }

        @Override
        public @Nullable InetSocketAddress localAddress() {
            return null;
        }
    }

    @Test
    void dropsWhatLiesBehindCredit_whoseWriteFindsTheConnectionReset() {
        SimPipe[] wire = wire(1 << 20);
        SimPeer peer = peer(FLOOD_PORT, 1, HboneSettings.forClient().withWindows(4 << 20, 65_535), wire);
        loop.run(100_000_000);
        assertEquals(1, peer.answered);
        assertEquals(2, server.pod.connections());
        FrameWriter credit = new FrameWriter();
        credit.windowUpdate(0, 1 << 20);
        credit.windowUpdate(peer.streams.getFirst().id(), 1 << 20);
        ByteBuffer out = ByteBuffer.allocateDirect(64 << 10);
        credit.drain(out);
        for (int i = 0; i < 50; i++) {
            peer.connect(IDLE_PORT);
        }
        peer.session.drainOutput(out);
        wire[1].cut();
        peer.transport.write(out.flip(), peer.loop.buffers()::borrowForTunnel);
        wire[0].abort();
        loop.runSeconds(3_600);
        apps.forEach(SimPipe::close);
        loop.runSeconds(3_600);
        assertEquals(0, server.pod.connections(), "tunnel and streams are gone");
    }

    @Test
    void servesOthers_whileMassesDoNotRead_andNoticesTheirDeath() {
        SimPipe[] quiet = wire(1 << 20);
        SimPeer innocent = peer(ECHO_PORT, 1, HboneSettings.forClient(), quiet);
        loop.run(100_000_000);
        HboneStream talk = innocent.streams.getFirst();
        innocent.data(talk, 100);
        innocent.flush();
        loop.runSeconds(1);
        assertEquals(100, innocent.received);
        List<SimPipe> wires = new ArrayList<>();
        List<SimPeer> greedy = new ArrayList<>();
        for (int i = 0; i < 15; i++) {
            SimPipe[] wire = wire(256 << 10);
            SimPeer peer = peer(ECHO_PORT, 100, HboneSettings.forClient().withWindows(65_535, 65_535), wire);
            greedy.add(peer);
            wires.add(wire[0]);
        }
        loop.runSeconds(1);
        for (SimPeer peer : greedy) {
            peer.floods = true;
            peer.flush();
        }
        loop.runSeconds(2);
        innocent.data(talk, 100);
        innocent.flush();
        loop.runSeconds(20);
        long before = innocent.received;
        // All of them die; a direct connection would have reset their echo servers.
        wires.forEach(SimPipe::abort);
        loop.runSeconds(3_600);
        SimPipe[] late = wire(1 << 20);
        SimPeer newcomer = peer(ECHO_PORT, 1, HboneSettings.forClient(), late);
        loop.runSeconds(60);
        assertEquals(200, before, "an innocent peer is still served while others do not read");
        assertTrue(server.pod.connections() <= 4, "the dead are noticed");
        assertEquals(1, newcomer.answered);
        assertFalse(server.podLoop.loop().buffers().isShort());
    }

    @Test
    void delivers_whatWasSaidWholeBeforeAReset() {
        SimPipe[] wire = wire(8 << 20);
        SimPeer peer = peer(TAKER_PORT, 1, HboneSettings.forClient(), wire);
        loop.run(100_000_000);
        assertEquals(1, peer.answered);
        HboneStream stream = peer.streams.getFirst();
        for (int i = 0; i < 3_500; i++) {
            peer.data(stream, 1_000);
        }
        peer.flush();
        peer.session.end(stream);
        peer.flush();
        peer.transport.close();
        wire[1].cut();
        wire[0].abort();
        loop.runSeconds(60);
        assertEquals(peer.sent, taker.taken);
        assertTrue(taker.ended);
        assertFalse(taker.aborted);
    }
}
