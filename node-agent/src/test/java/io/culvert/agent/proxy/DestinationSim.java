package io.culvert.agent.proxy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.certs.TestCa;
import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.hbone.SimTransports;
import io.culvert.agent.mesh.Records;
import io.culvert.agent.relay.Dialer;
import io.culvert.agent.sim.SimLoop;
import io.culvert.agent.sim.SimNet;
import io.culvert.agent.sim.SimSocket;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.agent.telemetry.log.LogCapture;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import io.culvert.testkit.Gen;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Whom the source's agent says that it connected to. */
class DestinationSim {
    private static final int PORT = 8_000;
    private static final int HBONE_PORT = 15_008;
    private static final Workload CLIENT =
            Records.pod("client", "10.0.0.1").hbone().node("node-a").build();
    private static final Workload SERVER =
            Records.pod("server", "10.0.0.2").hbone().node("node-b").of("web").build();
    private static final Workload NAMELESS =
            Records.pod("gateway", "10.0.0.3").namespace("").build();
    private static final Service WEB = Records.service("web")
            .vip("10.96.0.1")
            .ports(PORT, PORT)
            .sans("spiffe://cluster.local/ns/elsewhere/sa/another")
            .build();
    private static final TestCa CA = TestCa.root("root");

    private final SimLoop loop = new SimLoop(false);
    private final SimNet net = new SimNet(loop, new Gen(1), 1_000);
    private final SimTransports transports = new SimTransports();
    private final SimNode near = node(CLIENT);
    private final SimNode far = node(SERVER);
    private final List<Map<String, String>> told = new ArrayList<>();
    private final LogCapture log = LogCapture.of("access", (message, fields) -> told.add(fields));
    private int connections;

    private SimNode node(Workload pod) {
        TlsMaterial material = CA.material(pod.identity(), () -> TestCa.EPOCH);
        transports.know(material);
        SimNode node = new SimNode(
                loop,
                TestConfig.defaults(),
                new Metrics("", BuildVersion.current()),
                transports,
                this::dial,
                pod,
                () -> TestCa.EPOCH);
        node.certificates.put(material);
        node.publish(List.of(CLIENT, SERVER, NAMELESS), List.of(WEB), List.of());
        return node;
    }

    private Runnable dial(IpPort target, @Nullable IpAddress source, Dialer.Listener listener) {
        SimSocket[] pair = net.connect(
                socket("10.0.0.1", 50_000 + connections++), socket(target.ip().toString(), target.port()));
        if (target.port() == HBONE_PORT) {
            loop.outside(() -> InboundTunnel.accept(far.podLoop, pair[1]), 0);
        }
        loop.outside(() -> listener.onConnected(pair[0]), 0);
        return () -> {};
    }

    private static InetSocketAddress socket(String ip, int port) {
        return new InetSocketAddress(ip, port);
    }

    private SimSocket open(String destination) {
        SimSocket[] pair = net.connect(socket("10.0.0.1", 40_000 + connections++), socket(destination, PORT));
        pair[1].redirectedFrom(new IpPort(IpAddress.parse(destination), PORT));
        OutboundConnection.accept(near.podLoop, pair[1]);
        loop.runSeconds(1);
        return pair[0];
    }

    /** What the source's agent says of the one connection. */
    private Map<String, String> source() {
        List<Map<String, String>> outbound = told.stream()
                .filter(fields -> Objects.equals(fields.get("direction"), "outbound"))
                .toList();
        assertEquals(1, outbound.size(), told::toString);
        return outbound.getFirst();
    }

    @AfterEach
    void end() {
        log.close();
        near.podLoop.close(CloseReason.POD_REMOVED, null);
        far.podLoop.close(CloseReason.POD_REMOVED, null);
        loop.runSeconds(60);
        loop.abandonBuffers();
    }

    @Test
    void isTheWorkload_underItsOwnIdentity_whateverElseItsServiceAdmits() {
        open("10.96.0.1");
        assertEquals("server", source().get("dst.workload"));
        assertEquals(SERVER.identity().uri(), source().get("dst.identity"));
        assertEquals(1, near.podLoop.pool().tunnels());
    }

    @Test
    void isReachedInPlaintext_thoughNobodyKnowsItsNamespace() {
        SimSocket application = open("10.0.0.3");
        assertFalse(application.isResetAlready());
        assertEquals("gateway", source().get("dst.workload"));
    }
}
