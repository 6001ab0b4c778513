package io.culvert.agent.proxy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.certs.TestCa;
import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.config.AgentConfig;
import io.culvert.agent.config.Knob;
import io.culvert.agent.hbone.HbonePool;
import io.culvert.agent.hbone.SimTransports;
import io.culvert.agent.hbone.Tunnel;
import io.culvert.agent.hbone.TunnelStream;
import io.culvert.agent.mesh.Records;
import io.culvert.agent.relay.Dialer;
import io.culvert.agent.sim.SimApp;
import io.culvert.agent.sim.SimLoop;
import io.culvert.agent.sim.SimNet;
import io.culvert.agent.sim.SimSocket;
import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.Metric;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.agent.telemetry.Telemetry;
import io.culvert.protocol.hbone.ConnectRequest;
import io.culvert.protocol.hbone.ConnectResponse;
import io.culvert.protocol.hbone.ConnectTarget;
import io.culvert.protocol.hbone.frame.Http2Code;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.workload.Workload;
import io.culvert.testkit.Gen;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Peers that hold more tunnels to a pod than it, or they, may have while these carry nothing; and many that carry something. */
class TunnelLimitSim {
    private static final int TUNNELS_MAX = 8;
    private static final int CONNECTIONS_MAX = 20;
    private static final int ONE_PEERS_MAX = CONNECTIONS_MAX - CONNECTIONS_MAX / Pod.RESERVE;
    private static final IpPort TUNNEL = new IpPort(IpAddress.parse("10.0.0.2"), 15_008);
    private static final int PER_PEER = TUNNELS_MAX / Pod.PEER_SHARE;
    private static final Workload SERVER =
            Records.pod("server", "10.0.0.2").hbone().node("node-b").build();
    private static final TestCa CA = TestCa.root("root");
    private static final AgentConfig CONFIG = TestConfig.with(Map.of(
            Knob.TUNNELS_MAX, String.valueOf(TUNNELS_MAX), Knob.CONNECTIONS_MAX, String.valueOf(CONNECTIONS_MAX)));

    private final SimLoop loop = new SimLoop(false);
    private final SimNet net = new SimNet(loop, new Gen(1), 1_000);
    private final SimTransports transports = new SimTransports();
    private final Metrics metrics = new Metrics("", BuildVersion.current());
    private final SimNode server;
    private final List<HbonePool> pools = new ArrayList<>();
    private int connections;

    TunnelLimitSim() {
        TlsMaterial material = CA.material(SERVER.identity(), () -> TestCa.EPOCH);
        transports.know(material);
        server = new SimNode(loop, CONFIG, metrics, transports, this::dialApp, SERVER, () -> TestCa.EPOCH);
        server.certificates.put(material);
        server.publish(List.of(SERVER), List.of());
    }

    @AfterEach
    void closeAll() {
        pools.forEach(pool -> pool.close(CloseReason.POD_REMOVED));
        server.podLoop.close(CloseReason.POD_REMOVED, null);
        loop.runSeconds(1);
        loop.abandonBuffers();
    }

    private Runnable dialApp(IpPort target, @Nullable IpAddress source, Dialer.Listener listener) {
        SimSocket[] pair = net.connect(socket(50_000 + connections++), socket(target));
        new SimApp(net, pair[1], 1, true, 100, false);
        loop.outside(() -> listener.onConnected(pair[0]), 0);
        return () -> {};
    }

    private Runnable dialTunnel(IpPort target, @Nullable IpAddress source, Dialer.Listener listener) {
        SimSocket[] pair = net.connect(socket(20_000 + connections++), socket(target));
        loop.outside(() -> InboundTunnel.accept(server.podLoop, pair[1]), 0);
        loop.outside(() -> listener.onConnected(pair[0]), 0);
        return () -> {};
    }

    private static InetSocketAddress socket(int port) {
        return new InetSocketAddress("10.0.0.9", port);
    }

    private static InetSocketAddress socket(IpPort address) {
        return new InetSocketAddress(address.ip().toString(), address.port());
    }

    /** One tunnel of a peer, in a pool of its own, with one stream as long as it is not idle. */
    private final class Held implements HbonePool.Listener {
        private final HbonePool pool;
        private @Nullable TunnelStream stream;

        Held(String name) {
            this(name, TUNNEL.ip());
        }

        Held(String name, IpAddress asksFor) {
            SpiffeId own = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/" + name);
            TlsMaterial material = CA.material(own, () -> TestCa.EPOCH);
            transports.know(material);
            SimCertificates certificates = new SimCertificates();
            certificates.put(material);
            Telemetry telemetry = new Telemetry(new Metrics("", BuildVersion.current()), loop::nanoTime);
            pool = new HbonePool(
                    new HbonePool.Surroundings(
                            loop,
                            TunnelLimitSim.this::dialTunnel,
                            transports,
                            certificates,
                            telemetry,
                            () -> TestCa.EPOCH),
                    new ProxyTerms(CONFIG).pool());
            pools.add(pool);
            Runnable _ = pool.open(
                    new HbonePool.Key(own, List.of(SERVER.identity()), TUNNEL),
                    ConnectRequest.to(new ConnectTarget.IpTarget(asksFor, 8_000)),
                    this);
            loop.run(100_000_000);
        }

        Held idle() {
            TunnelStream opened = stream;
            if (opened == null) {
                throw new AssertionError("it was not served");
            }
            opened.cancel(Http2Code.CANCEL);
            loop.run(100_000_000);
            return this;
        }

        boolean isServed() {
            return stream != null;
        }

        /** Whether its tunnel stands. */
        boolean stands() {
            return pool.live().stream().anyMatch(Tunnel::isOpen);
        }

        @Override
        public void onStreamOpen(TunnelStream opened, ConnectResponse response) {
            stream = opened;
        }

        @Override
        public void onStreamFailed(CloseReason reason, @Nullable String detail) {
            stream = null;
        }
    }

    private List<Held> idle(String name, int count) {
        List<Held> held = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            held.add(new Held(name).idle());
        }
        return held;
    }

    private static List<Boolean> standing(List<Held> held) {
        return held.stream().map(Held::stands).toList();
    }

    @Test
    void onePeersEldestIdleTunnelMakesRoomForItsNext() {
        List<Held> greedy = idle("greedy", PER_PEER + 1);
        assertEquals(List.of(false, true, true), standing(greedy));
        assertEquals(1, limited());
    }

    /** As a peer's with many loops are, or those of other networks, each of which carries one connection. */
    @Test
    void tunnelsInUseAreBoundedAsConnections_ofOnePeerAsOfMany() {
        List<Held> greedy = new ArrayList<>();
        for (int i = 0; i < ONE_PEERS_MAX; i++) {
            greedy.add(new Held("greedy"));
            assertTrue(greedy.getLast().isServed(), i + " before it");
        }
        assertEquals(0, limited());
        Held excess = new Held("greedy");
        assertFalse(excess.isServed());
        assertTrue(excess.stands(), "its connection was refused, not its tunnel");
        assertEquals(1, limited());
        for (int i = ONE_PEERS_MAX; i < CONNECTIONS_MAX; i++) {
            assertTrue(new Held("other" + i).isServed());
        }
        assertEquals(1, limited());
        assertFalse(new Held("latecomer").isServed());
        assertEquals(2, limited());
        greedy.getFirst().idle();
        assertTrue(new Held("latecomer").isServed());
        assertEquals(2, limited());
    }

    @Test
    void onePeersTunnelsMakeRoomForEachOther_onceTheyAreIdle() {
        List<Held> held = new ArrayList<>();
        for (int i = 0; i < PER_PEER + 3; i++) {
            held.add(new Held("greedy"));
        }
        assertTrue(held.stream().allMatch(Held::isServed));
        held.forEach(Held::idle);
        assertEquals(List.of(false, false, false, true, true), standing(held));
        assertEquals(3, limited());
        assertTrue(new Held("greedy").isServed());
        assertEquals(List.of(false, false, false, false, true), standing(held), "before it carried anything");
    }

    /** Whoever is refused has nothing that would bound its tunnels. */
    @Test
    void tunnelsWhoseConnectionsAreRefusedCountAsIdle() {
        List<Held> refused = new ArrayList<>();
        for (int i = 0; i < 3 * PER_PEER; i++) {
            refused.add(new Held("greedy", IpAddress.parse("10.0.0.77")));
        }
        assertTrue(refused.stream().noneMatch(Held::isServed));
        assertEquals(PER_PEER, refused.stream().filter(Held::stands).count());
        assertEquals(2 * PER_PEER, limited());
    }

    @Test
    void allPeersTunnelsMakeRoomForEachOther_onceTheyAreIdle() {
        List<Held> held = new ArrayList<>();
        for (int i = 0; i < TUNNELS_MAX + 2; i++) {
            held.add(new Held("peer" + i));
        }
        assertTrue(held.stream().allMatch(Held::isServed));
        assertEquals(0, limited());
        held.forEach(Held::idle);
        assertEquals(TUNNELS_MAX, held.stream().filter(Held::stands).count());
        assertTrue(held.getLast().stands());
        assertEquals(2, limited());
        assertTrue(new Held("newcomer").isServed());
    }

    @Test
    void givesEveryPlaceBack_howeverTunnelsEnd() {
        List<Held> held = new ArrayList<>();
        for (int i = 0; i < CONNECTIONS_MAX; i++) {
            held.add(new Held("peer" + (i < ONE_PEERS_MAX ? i % 3 : i)));
        }
        for (int i = 0; i < CONNECTIONS_MAX; i += 2) {
            held.get(i).idle();
        }
        held.forEach(one -> one.pool.close(CloseReason.NORMAL));
        loop.runSeconds(1);
        assertEquals(0, server.pod.connections());
        idle("again", PER_PEER);
        assertEquals(PER_PEER, server.pod.connections());
    }

    @Test
    void atThePodsLimitAnIdleTunnelOfThePeerThatHasMostMakesRoom() {
        Held one = new Held("a").idle();
        List<Held> most = idle("b", 2);
        Held busy = new Held("c");
        Held alone = new Held("d").idle();
        Held another = new Held("e").idle();
        List<Held> further = List.of(new Held("f").idle(), new Held("h").idle(), new Held("i").idle());
        assertEquals(0, limited());
        Held newcomer = new Held("g");
        assertTrue(newcomer.isServed());
        assertEquals(List.of(false, true), standing(most));
        assertTrue(one.stands() && busy.stands() && alone.stands() && another.stands());
        assertTrue(further.stream().allMatch(Held::stands));
        assertEquals(1, limited());
    }

    private long limited() {
        return metrics.collect().get(Metric.BAD_PEERS) instanceof CounterSnapshot counters
                ? (long) counters.getDataPoints().stream()
                        .filter(point ->
                                BadPeer.LIMIT.label().equals(point.getLabels().get("kind")))
                        .mapToDouble(CounterSnapshot.CounterDataPointSnapshot::getValue)
                        .sum()
                : 0;
    }
}
