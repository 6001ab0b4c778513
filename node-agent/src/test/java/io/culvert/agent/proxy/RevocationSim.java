package io.culvert.agent.proxy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.base.Pem;
import io.culvert.agent.certs.CrlStore;
import io.culvert.agent.certs.TestCa;
import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.hbone.SimTransports;
import io.culvert.agent.mesh.MeshDemand;
import io.culvert.agent.mesh.Records;
import io.culvert.agent.relay.Dialer;
import io.culvert.agent.sim.SimApp;
import io.culvert.agent.sim.SimLoop;
import io.culvert.agent.sim.SimNet;
import io.culvert.agent.sim.SimSocket;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.Metric;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.agent.telemetry.log.LogCapture;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.workload.Workload;
import io.culvert.testkit.Gen;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CRLException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tunnels whose peer's certificate is taken back while they are open. */
class RevocationSim {
    private static final Workload CLIENT =
            Records.pod("client", "10.0.0.1").hbone().node("node-a").build();
    private static final Workload SERVER =
            Records.pod("server", "10.0.0.2").hbone().node("node-b").build();
    private static final TestCa CA = TestCa.root("root");
    private static final IpPort TARGET = new IpPort(IpAddress.parse("10.0.0.2"), 8_000);

    private final Path folder;
    private final SimLoop loop = new SimLoop(false);
    private final SimNet net = new SimNet(loop, new Gen(1), 1_000);
    private final SimTransports transports = new SimTransports();
    private final Metrics nearMetrics = new Metrics("", BuildVersion.current());
    private final Metrics farMetrics = new Metrics("", BuildVersion.current());
    private final CrlStore nearCrl;
    private final CrlStore farCrl;
    private final SimNode near;
    private final SimNode far;
    private final TlsMaterial clientMaterial;
    private final TlsMaterial serverMaterial;
    private final List<String> errors = new ArrayList<>();
    private final LogCapture log = LogCapture.of("access", (message, fields) -> {
        if (fields.containsKey("error")) {
            errors.add(fields.get("direction") + ": " + fields.get("error"));
        }
    });
    private Runnable afterConnecting = () -> {};
    private int connections;

    RevocationSim(@TempDir Path folder) {
        this.folder = folder;
        nearCrl = CrlStore.of(folder.resolve("near"));
        farCrl = CrlStore.of(folder.resolve("far"));
        clientMaterial = CA.material(CLIENT.identity(), () -> TestCa.EPOCH, nearCrl);
        serverMaterial = CA.material(SERVER.identity(), () -> TestCa.EPOCH, farCrl);
        near = node(CLIENT, clientMaterial, nearCrl, nearMetrics);
        far = node(SERVER, serverMaterial, farCrl, farMetrics);
    }

    private SimNode node(Workload served, TlsMaterial material, CrlStore crl, Metrics metrics) {
        transports.know(material);
        SimNode node = new SimNode(
                loop,
                TestConfig.defaults(),
                metrics,
                transports,
                this::dial,
                served,
                () -> TestCa.EPOCH,
                MeshDemand.NONE,
                crl);
        node.certificates.put(material);
        node.publish(List.of(CLIENT, SERVER), List.of());
        return node;
    }

    private Runnable dial(IpPort target, @Nullable IpAddress source, Dialer.Listener listener) {
        SimSocket[] pair = net.connect(socket("10.0.0.1", 50_000 + connections++), socket(target));
        if (target.port() == 15_008) {
            loop.outside(() -> InboundTunnel.accept(far.podLoop, pair[1]), 0);
        } else {
            new SimApp(net, pair[1], 1, true, 100, false);
        }
        loop.outside(
                () -> {
                    listener.onConnected(pair[0]);
                    afterConnecting.run();
                },
                0);
        return () -> {};
    }

    private static InetSocketAddress socket(String ip, int port) {
        return new InetSocketAddress(ip, port);
    }

    private static InetSocketAddress socket(IpPort address) {
        return socket(address.ip().toString(), address.port());
    }

    /** An application that says nothing and waits. */
    private SimSocket open() {
        SimSocket[] pair = net.connect(socket("10.0.0.1", 40_000 + connections++), socket(TARGET));
        pair[1].redirectedFrom(TARGET);
        OutboundConnection.accept(near.podLoop, pair[1]);
        loop.runSeconds(1);
        return pair[0];
    }

    private void write(String name, X509Certificate... certificates) throws IOException, CRLException {
        Files.writeString(
                folder.resolve(name),
                Pem.write("X509 CRL", CA.revoke(certificates).getEncoded()));
    }

    private void revoke(String name, CrlStore store, X509Certificate... certificates) throws IOException, CRLException {
        write(name, certificates);
        store.look();
        store.look();
        loop.runSeconds(1);
    }

    private static double rejections(Metrics metrics, String reporter) {
        return metrics.collect().get(Metric.CRL_REJECTIONS) instanceof CounterSnapshot counters
                ? counters.getDataPoints().stream()
                        .filter(point -> reporter.equals(point.getLabels().get("reporter")))
                        .mapToDouble(CounterSnapshot.CounterDataPointSnapshot::getValue)
                        .sum()
                : Double.NaN;
    }

    @AfterEach
    void end() {
        near.podLoop.close(CloseReason.POD_REMOVED, null);
        far.podLoop.close(CloseReason.POD_REMOVED, null);
        loop.runSeconds(60);
        log.close();
        loop.abandonBuffers();
    }

    @Test
    void closesWhatTheClientOpened_whenTheServersCertificateIsTakenBack() throws Exception {
        open();
        assertEquals(1, near.podLoop.pool().tunnels());
        revoke("near", nearCrl, serverMaterial.chain().getFirst());
        assertEquals(0, near.podLoop.pool().tunnels());
        assertEquals(0, near.podLoop.open().size());
        assertTrue(
                errors.stream().anyMatch(each -> each.startsWith("outbound: the peer's certificate is revoked")),
                errors::toString);
        assertEquals(1, rejections(nearMetrics, "source"));
        assertEquals(0, rejections(farMetrics, "destination"));
    }

    @Test
    void closesWhatTheServerAccepted_whenTheClientsCertificateIsTakenBack() throws Exception {
        open();
        revoke("far", farCrl, clientMaterial.chain().getFirst());
        assertEquals(0, far.podLoop.open().size());
        assertTrue(
                errors.stream().anyMatch(each -> each.startsWith("inbound: the peer's certificate is revoked")),
                errors::toString);
        assertEquals(1, rejections(farMetrics, "destination"));
        assertEquals(0, near.podLoop.pool().tunnels());
    }

    @Test
    void leavesOthersAlone() throws Exception {
        open();
        revoke("near", nearCrl, clientMaterial.chain().getFirst());
        revoke("far", farCrl, serverMaterial.chain().getFirst());
        assertEquals(1, near.podLoop.pool().tunnels(), "each has the other's in force, not its own");
        assertFalse(near.podLoop.open().isEmpty());
        assertEquals(List.of(), errors);
        assertEquals(0, rejections(nearMetrics, "source"));
    }

    @Test
    void closesAHandshakeUnderWay_onceItIsDone() throws Exception {
        write("near", serverMaterial.chain().getFirst());
        nearCrl.look();
        // The simulated engines verify nothing themselves, as if they had done so by the lists before.
        afterConnecting = nearCrl::look;
        open();
        assertEquals(0, near.podLoop.pool().tunnels());
        assertEquals(1, rejections(nearMetrics, "source"));
    }
}
