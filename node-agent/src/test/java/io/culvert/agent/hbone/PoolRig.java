package io.culvert.agent.hbone;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.certs.CertificateSource;
import io.culvert.agent.certs.TestCa;
import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.sim.SimLoop;
import io.culvert.agent.sim.SimNet;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.agent.telemetry.Telemetry;
import io.culvert.protocol.hbone.ConnectRequest;
import io.culvert.protocol.hbone.ConnectResponse;
import io.culvert.protocol.hbone.ConnectTarget;
import io.culvert.protocol.hbone.HboneSettings;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.testkit.FakeInstantSource;
import io.culvert.testkit.Gen;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A pool on a simulated network, and its peer. */
final class PoolRig {
    static final SpiffeId OWN = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/client");
    static final SpiffeId OTHER_OWN = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/other");
    static final SpiffeId PEER = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/server");
    static final IpPort TARGET = new IpPort(IpAddress.parse("10.0.0.2"), 15_008);
    static final IpPort OTHER_TARGET = new IpPort(IpAddress.parse("10.0.0.3"), 15_008);
    static final ConnectRequest REQUEST =
            ConnectRequest.to(new ConnectTarget.IpTarget(IpAddress.parse("10.0.0.2"), 8_080));
    private static final TestCa CA = TestCa.root("root");
    private static final TlsMaterial OWN_MATERIAL = CA.material(OWN, () -> TestCa.EPOCH);
    private static final TlsMaterial OTHER_MATERIAL = CA.material(OTHER_OWN, () -> TestCa.EPOCH);
    private static final TlsMaterial PEER_MATERIAL = CA.material(PEER, () -> TestCa.EPOCH);
    private static final Metrics METRICS = new Metrics("", BuildVersion.current());

    final SimLoop loop = new SimLoop(64L << 20);
    final FakeInstantSource clock = new FakeInstantSource(TestCa.EPOCH);
    final SimTransports transports = new SimTransports();
    final SimPeer peer;
    final HbonePool pool;
    final List<Asked> asked = new ArrayList<>();
    boolean certified = true;

    PoolRig(int streamsMax, int tunnelsMax, int peerStreamsMax) {
        transports.know(OWN_MATERIAL);
        transports.know(OTHER_MATERIAL);
        transports.know(PEER_MATERIAL);
        SimNet net = new SimNet(loop, new Gen(1), 1_000_000);
        peer = new SimPeer(
                loop,
                net,
                transports,
                PEER_MATERIAL,
                tunnelTerms(HboneSettings.forServer().withStreamsMax(peerStreamsMax)));
        HbonePool.Terms terms = new HbonePool.Terms(
                tunnelTerms(HboneSettings.forClient().withWindows(65_535, 65_535)),
                streamsMax,
                tunnelsMax,
                Duration.ofSeconds(60),
                TimeUnit.SECONDS.toNanos(10),
                TimeUnit.SECONDS.toNanos(15),
                TimeUnit.SECONDS.toNanos(20));
        pool = new HbonePool(
                new HbonePool.Surroundings(
                        loop, peer, transports, new Certificates(), new Telemetry(METRICS, loop::nanoTime), clock),
                terms);
    }

    static Tunnel.Terms tunnelTerms(HboneSettings settings) {
        return new Tunnel.Terms(
                settings,
                TimeUnit.SECONDS.toNanos(5),
                TimeUnit.SECONDS.toNanos(10),
                TimeUnit.SECONDS.toNanos(20),
                TimeUnit.SECONDS.toNanos(120));
    }

    private final class Certificates implements CertificateSource {
        @Override
        public @Nullable TlsMaterial current(SpiffeId id) {
            return !certified ? null : id.equals(OWN) ? OWN_MATERIAL : OTHER_MATERIAL;
        }

        @Override
        public Runnable whenAvailable(SpiffeId id, Consumer<TlsMaterial> then) {
            return () -> {};
        }
    }

    /** One stream that was asked for. */
    static final class Asked implements HbonePool.Listener {
        @Nullable
        TunnelStream stream;

        @Nullable
        CloseReason failed;

        int told;
        Runnable cancel = () -> {};

        @Override
        public void onStreamOpen(TunnelStream opened, ConnectResponse response) {
            stream = opened;
            told++;
        }

        @Override
        public void onStreamFailed(CloseReason reason, @Nullable String detail) {
            failed = reason;
            told++;
        }

        TunnelStream stream() {
            TunnelStream opened = stream;
            if (opened == null) {
                throw new AssertionError("not open: " + failed);
            }
            return opened;
        }
    }

    Asked ask() {
        return ask(new HbonePool.Key(OWN, List.of(PEER), TARGET));
    }

    Asked ask(HbonePool.Key key) {
        Asked one = new Asked();
        asked.add(one);
        one.cancel = pool.open(key, REQUEST, one);
        return one;
    }

    /** Asks for one to a further destination, by the last number of its address, and lets a second pass. */
    Asked askOf(int target) {
        Asked one = ask(new HbonePool.Key(OWN, List.of(PEER), new IpPort(IpAddress.parse("10.0.0." + target), 15_008)));
        loop.runSeconds(1);
        return one;
    }

    /** Asks for so many at once, and lets a second pass. */
    List<Asked> ask(int count) {
        List<Asked> many = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            many.add(ask());
        }
        loop.runSeconds(1);
        return many;
    }

    /** How many tunnels the peer has that are open. */
    long tunnels() {
        return peer.tunnels.stream().filter(served -> served.tunnel.isOpen()).count();
    }
}
