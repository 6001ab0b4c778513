package io.culvert.systemtests.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.systemtests.lab.LogEntry;
import io.culvert.systemtests.lab.MeshLab;
import io.culvert.systemtests.lab.MeshLabExtension;
import io.culvert.systemtests.lab.MeshYaml;
import io.culvert.systemtests.lab.Observation;
import io.culvert.testkit.CommandResult;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.NetProbe;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Envoy at the other end of a tunnel: as the one that opens it, and as the one that accepts it. */
class PeerInteropIT {
    private static final int PORT = 7000;
    private static final int OUT_PORT = 9000;
    private static final String MUCH = "both:3000000";

    @RegisterExtension
    static final MeshLabExtension LAB = new MeshLabExtension(
            MeshLab.builder().pod("client", "one").pod("server", "two").legacyPod("peer", "two"));

    private static MeshYaml open = MeshYaml.empty();
    private static LabProcess server;
    private static LabProcess application;
    private static EnvoyProcess envoy;

    private static MeshLab lab() {
        return LAB.lab();
    }

    @BeforeAll
    static void start() {
        server = NetProbe.serve(lab().net(), lab().ns("server"), PORT, List.of("--quiet"), "echo");
        application = NetProbe.serve(lab().net(), lab().ns("peer"), PORT, List.of("--quiet"), "echo");
        envoy = EnvoyProcess.start(
                lab(),
                lab().ns("peer"),
                "peer.yaml",
                Map.of(
                        "SERVER", MeshYaml.idOf("server"),
                        "SERVER_IP", lab().ip("server"),
                        "SERVER_PORT", Integer.toString(PORT),
                        "OUT_PORT", Integer.toString(OUT_PORT)));
        open = lab().mesh().uncaptured(lab().ns("peer"), "protocol: HBONE");
    }

    @AfterAll
    static void stop() {
        envoy.close();
        application.close();
        server.close();
    }

    @BeforeEach
    void allowAll() {
        lab().apply(open);
    }

    private static CommandResult toEnvoy(String... steps) {
        return NetProbe.connect(
                lab().net(), lab().ns("client"), lab().ns("peer").ipv4(), PORT, steps);
    }

    private static CommandResult fromEnvoy(String... steps) {
        return NetProbe.connect(lab().net(), lab().ns("peer"), InetAddress.ofLiteral("127.0.0.1"), OUT_PORT, steps);
    }

    @Test
    void ourTunnelToEnvoy_carriesBytesAndEnds() {
        Observation since = lab().observe();
        toEnvoy(MUCH, "fin", "eof").expectOk();
        LogEntry entry = since.onlyConnection("one");
        assertEquals(MeshYaml.idOf("client"), entry.field("src.identity"));
        assertEquals(MeshYaml.idOf("peer"), entry.field("dst.identity"));
        assertEquals("3000000", entry.field("bytes_sent"));
        assertEquals("3000000", entry.field("bytes_recv"));
        assertEquals("", entry.field("error"));
        envoy.awaitTunnel(
                "peer=" + MeshYaml.idOf("client") + " authority=" + lab().ip("peer") + ":" + PORT + " status=200");
    }

    @Test
    void manyConnectionsToEnvoy_shareTunnels() {
        NetProbe.connect(
                        lab().net(),
                        lab().ns("client"),
                        lab().ns("peer").ipv4(),
                        PORT,
                        List.of("--connections", "300"),
                        "both:10000",
                        "fin",
                        "eof")
                .expectOk();
    }

    @Test
    void envoysTunnelToUs_carriesBytesAndEnds() {
        Observation since = lab().observe();
        fromEnvoy(MUCH, "fin", "eof").expectOk();
        LogEntry entry = since.onlyConnection("two");
        assertEquals(MeshYaml.idOf("peer"), entry.field("src.identity"));
        assertEquals(MeshYaml.idOf("server"), entry.field("dst.identity"));
        assertEquals(lab().ip("server") + ":" + PORT, entry.field("dst.hbone_addr"));
        assertEquals("3000000", entry.field("bytes_sent"));
        assertEquals("3000000", entry.field("bytes_recv"));
    }

    @Test
    void policyRefusesEnvoy_whichClosesItsClient() {
        lab().apply(open.policy(
                "not-peer",
                "action: DENY, workloads: [server], rules: [{from: [{source: {principals: "
                        + "[\"cluster.local/ns/demo/sa/peer\"]}}]}]"));
        Observation since = lab().observe();
        assertTrue(fromEnvoy("both:10").exit() != 0);
        assertTrue(since.onlyConnection("two").field("error").startsWith("denied by policy"));
    }

    @Test
    void envoyThatCannotReachItsApplication_isToldOfAsARefusal() {
        Observation since = lab().observe();
        NetProbe.connect(lab().net(), lab().ns("client"), lab().ns("peer").ipv4(), PORT + 1, "reset")
                .expectOk();
        LogEntry entry = since.onlyConnection("one");
        assertTrue(entry.field("error").contains("503"), entry.toString());
    }
}
