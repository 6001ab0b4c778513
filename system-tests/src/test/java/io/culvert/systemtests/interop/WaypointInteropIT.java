package io.culvert.systemtests.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.systemtests.lab.LogEntry;
import io.culvert.systemtests.lab.MeshLab;
import io.culvert.systemtests.lab.MeshLabExtension;
import io.culvert.systemtests.lab.MeshYaml;
import io.culvert.systemtests.lab.Observation;
import io.culvert.testkit.CommandResult;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.LabProcess;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** From a client pod through a waypoint, which reads and changes the HTTP, to a server pod; each hop under its own identity. */
class WaypointInteropIT {
    private static final int PORT = 8080;
    private static final String VIP = "10.96.0.1";

    @RegisterExtension
    static final MeshLabExtension LAB = new MeshLabExtension(MeshLab.builder()
            .pod("client", "one")
            .pod("intruder", "one")
            .pod("server", "two")
            .legacyPod("waypoint", "two"));

    private static MeshYaml service = MeshYaml.empty();
    private static MeshYaml workload = MeshYaml.empty();
    private static LabProcess server;
    private static EnvoyProcess envoy;

    private static MeshLab lab() {
        return LAB.lab();
    }

    @BeforeAll
    static void start() {
        server = WebServer.start(lab(), lab().ns("server"), PORT);
        envoy = EnvoyProcess.start(
                lab(),
                lab().ns("waypoint"),
                "waypoint.yaml",
                Map.of(
                        "CLIENT", MeshYaml.idOf("client"),
                        "SERVER", MeshYaml.idOf("server"),
                        "SERVER_IP", lab().ip("server"),
                        "SERVER_PORT", Integer.toString(PORT)));
        String waypoint = "waypoint: {address: " + lab().ip("waypoint") + "}";
        MeshYaml mesh = lab().mesh().uncaptured(lab().ns("waypoint"));
        service = mesh.service(
                "shop",
                "vips: [" + VIP + "], ports: [{port: 80, targetPort: " + PORT + "}], endpoints: [server], " + waypoint);
        workload = mesh.pod(lab().ns("server"), waypoint);
    }

    @AfterAll
    static void stop() {
        envoy.close();
        server.close();
    }

    @BeforeEach
    void addressTheService() {
        lab().apply(service);
    }

    private static CommandResult get(String from, String url, String... more) {
        return WebServer.get(lab(), lab().ns(from), url, more);
    }

    /** Both hops, as each agent tells of the connection it had a part in. */
    private static void expectHops(Observation since, String asked) {
        LogEntry first = since.onlyConnection("one");
        assertEquals(MeshYaml.idOf("client"), first.field("src.identity"));
        assertEquals(MeshYaml.idOf("waypoint"), first.field("dst.identity"));
        assertEquals(lab().ip("waypoint") + ":15008", first.field("dst.addr"));
        assertEquals(asked, first.field("dst.hbone_addr"));
        LogEntry second = since.onlyConnection("two");
        assertEquals(MeshYaml.idOf("waypoint"), second.field("src.identity"));
        assertEquals(MeshYaml.idOf("server"), second.field("dst.identity"));
        assertEquals(lab().ip("server") + ":" + PORT, second.field("dst.hbone_addr"));
        envoy.awaitTunnel("peer=" + MeshYaml.idOf("client") + " authority=" + asked + " status=200");
    }

    @Test
    void allowedRequest_arrivesRewritten_eachHopUnderItsIdentity() {
        Observation since = lab().observe();
        CommandResult answer = get("client", "http://" + VIP + "/allowed", "-H", "x-secret: 1");
        answer.expectOk();
        assertTrue(answer.out().startsWith("/allowed\n"), answer.toString());
        assertTrue(answer.out().contains("x-waypoint: passed"), answer.toString());
        assertFalse(answer.out().contains("x-secret"), answer.toString());
        assertTrue(answer.out().endsWith("\n200\n"), answer.toString());
        expectHops(since, VIP + ":80");
    }

    @Test
    void waypointIsToldWhoAsksForWhat() {
        get("client", "http://" + VIP + "/told").expectOk();
        envoy.awaitTunnel("baggage=k8s.cluster.name=Kubernetes,k8s.namespace.name=demo,k8s.pod.name=client,"
                + ".* forwarded=for=\"" + lab().ip("client") + ":\\d+\";host=shop.demo.svc.cluster.local"
                + " traceparent=00-[0-9a-f]{32}-[0-9a-f]{16}-00");
    }

    @Test
    void deniedPath_isAnsweredByTheWaypoint_andNeverReachesTheServer() {
        Observation since = lab().observe();
        CommandResult answer = get("client", "http://" + VIP + "/denied/it");
        assertEquals("denied by the waypoint\n403\n", answer.out());
        LogEntry first = since.onlyConnection("one");
        assertEquals(MeshYaml.idOf("waypoint"), first.field("dst.identity"));
        assertFalse(WebServer.served(server).contains("/denied/it"));
    }

    @Test
    void podAddress_passesTheWorkloadsWaypointToo() {
        lab().apply(workload);
        Observation since = lab().observe();
        CommandResult answer = get("client", "http://" + lab().ip("server") + ":" + PORT + "/by-address");
        answer.expectOk();
        assertTrue(answer.out().contains("x-waypoint: passed"), answer.toString());
        expectHops(since, lab().ip("server") + ":" + PORT);
    }

    @Test
    void intruder_isRefusedByTheWaypoint() {
        Observation since = lab().observe();
        assertNotEquals(0, get("intruder", "http://" + VIP + "/by-intruder").exit());
        LogEntry first = since.onlyConnection("one");
        assertTrue(first.field("error").contains("403"), first.toString());
        envoy.awaitTunnel("peer=" + MeshYaml.idOf("intruder") + " authority=" + VIP + ":80 status=403");
        assertFalse(WebServer.served(server).contains("/by-intruder"));
    }

    @Test
    void policyThatAdmitsTheWaypointAlone_closesTheWayAroundIt() {
        lab().apply(service.policy(
                "only-waypoint",
                "action: ALLOW, workloads: [server], rules: [{from: [{source: {principals: "
                        + "[\"cluster.local/ns/demo/sa/waypoint\"]}}]}]"));
        get("client", "http://" + VIP + "/through").expectOk();
        assertNotEquals(
                0,
                get("client", "http://" + lab().ip("server") + ":" + PORT + "/around")
                        .exit());
        List<String> served = WebServer.served(server);
        assertTrue(served.contains("/through") && !served.contains("/around"), served.toString());
    }

    @Test
    void waypointThatIsGone_isNotBypassed() {
        MeshYaml gone = service.service(
                "shop",
                "vips: [" + VIP + "], ports: [{port: 80, targetPort: " + PORT
                        + "}], endpoints: [server], waypoint: {hostname: nobody.demo.svc.cluster.local}");
        MeshYaml empty = gone.service("nobody", "ports: [{port: 15008}], endpoints: []");
        lab().apply(empty);
        Observation since = lab().observe();
        assertNotEquals(0, get("client", "http://" + VIP + "/bypass").exit());
        Eventually.holds("it is told", Duration.ofSeconds(5), () -> since.ended("one", "no_upstream") == 1);
        assertFalse(WebServer.served(server).contains("/bypass"));
    }
}
