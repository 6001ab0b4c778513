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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A service in another network, reached through a gateway: a tunnel within a tunnel, and the far end proves itself to us. */
class GatewayInteropIT {
    private static final int PORT = 7000;
    private static final String VIP = "10.96.0.2";
    private static final String HOST = "remote.demo.svc.cluster.local";

    @RegisterExtension
    static final MeshLabExtension LAB = new MeshLabExtension(
            MeshLab.builder().pod("client", "one").pod("backend", "two").legacyPod("gateway", "two"));

    private static MeshYaml open = MeshYaml.empty();
    private static LabProcess backend;
    private static EnvoyProcess envoy;

    private static MeshLab lab() {
        return LAB.lab();
    }

    @BeforeAll
    static void start() {
        backend = NetProbe.serve(lab().net(), lab().ns("backend"), PORT, List.of("--quiet"), "echo");
        envoy = EnvoyProcess.start(
                lab(), lab().ns("gateway"), "gateway.yaml", Map.of("BACKEND_IP", lab().ip("backend")));
        open = mesh("backend");
    }

    /** The far workload stands for all of the other network's; whoever may be behind it is the service's to say. */
    private static MeshYaml mesh(String expected) {
        MeshYaml known = lab().mesh().uncaptured(lab().ns("gateway"), "network: other");
        List<MeshYaml.Entry> entries =
                new ArrayList<>(known.without("workloads", "far").entries());
        entries.add(new MeshYaml.Entry(
                "workloads",
                "far",
                "network: other, protocol: HBONE, networkGateway: {address: " + lab().ip("gateway")
                        + ", network: other}"));
        return new MeshYaml(entries)
                .service(
                        "remote",
                        "vips: [" + VIP + "], ports: [{port: 80, targetPort: " + PORT
                                + "}], endpoints: [far], subjectAltNames: [\"" + MeshYaml.idOf(expected) + "\"]");
    }

    @AfterAll
    static void stop() {
        envoy.close();
        backend.close();
    }

    @BeforeEach
    void open() {
        lab().apply(open);
    }

    private static CommandResult connect(String... steps) {
        return NetProbe.connect(lab().net(), lab().ns("client"), InetAddress.ofLiteral(VIP), 80, steps);
    }

    @Test
    void bytesPassTheGateway_underTheClientsIdentityFromEndToEnd() {
        Observation since = lab().observe();
        connect("both:3000000", "fin", "eof").expectOk();
        LogEntry source = since.onlyConnection("one");
        assertEquals(MeshYaml.idOf("client"), source.field("src.identity"));
        assertEquals(MeshYaml.idOf("backend"), source.field("dst.identity"));
        assertEquals(lab().ip("gateway") + ":15008", source.field("dst.addr"));
        assertEquals(HOST + ":80", source.field("dst.hbone_addr"));
        assertEquals("3000000", source.field("bytes_sent"));
        assertEquals("3000000", source.field("bytes_recv"));
        assertEquals("", source.field("error"));
        LogEntry destination = since.onlyConnection("two");
        assertEquals(MeshYaml.idOf("client"), destination.field("src.identity"));
        assertEquals(MeshYaml.idOf("backend"), destination.field("dst.identity"));
        assertEquals(HOST + ":80", destination.field("dst.hbone_addr"));
        assertTrue(destination.field("src.addr").startsWith(lab().ip("gateway") + ":"), destination.toString());
        envoy.awaitTunnel("peer=" + MeshYaml.idOf("client") + " authority=" + HOST + ":80 status=200");
    }

    @Test
    void manyConnections_eachReachTheBackend() {
        NetProbe.connect(
                        lab().net(),
                        lab().ns("client"),
                        InetAddress.ofLiteral(VIP),
                        80,
                        List.of("--connections", "60"),
                        "both:20000",
                        "fin",
                        "eof")
                .expectOk();
    }

    @Test
    void backendThatIsNotWhoItShouldBe_getsNothing() {
        lab().apply(mesh("somebody-else"));
        Observation since = lab().observe();
        connect("reset").expectOk();
        LogEntry entry = since.onlyConnection("one");
        assertTrue(entry.field("error").startsWith("peer has another identity"), entry.toString());
    }

    @Test
    void policyOfTheBackend_seesTheClientAndNotTheGateway() {
        lab().apply(open.policy(
                "not-client",
                "action: DENY, workloads: [backend], rules: [{from: [{source: {principals: "
                        + "[\"cluster.local/ns/demo/sa/client\"]}}]}]"));
        Observation since = lab().observe();
        connect("reset").expectOk();
        assertTrue(since.onlyConnection("one").field("error").contains("401"));
        assertTrue(since.onlyConnection("two").field("error").startsWith("denied by policy"));
    }
}
