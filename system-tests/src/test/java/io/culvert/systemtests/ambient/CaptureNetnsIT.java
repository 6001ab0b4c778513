package io.culvert.systemtests.ambient;

import static io.culvert.systemtests.ambient.Talk.DOWN;
import static io.culvert.systemtests.ambient.Talk.PORT;
import static io.culvert.systemtests.ambient.Talk.UP;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.systemtests.lab.AgentMetrics;
import io.culvert.systemtests.lab.Flow;
import io.culvert.systemtests.lab.LogEntry;
import io.culvert.systemtests.lab.MeshYaml;
import io.culvert.systemtests.lab.Observation;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.NetProbe;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Who is captured and who is not: what applications, metrics and access logs see of it. */
class CaptureNetnsIT {
    @RegisterExtension
    static final AmbientExtension LAB = AmbientExtension.shared();

    private final AmbientLab lab = LAB.lab();
    private final Talk talk = new Talk(lab);

    private static Map<String, String> told(LogEntry entry, String... names) {
        return new TreeMap<>(List.of(names).stream().collect(Collectors.toMap(name -> name, entry::field)));
    }

    private static final String[] ENDS = {
        "src.workload", "src.namespace", "src.identity", "dst.addr", "dst.hbone_addr", "dst.workload", "dst.namespace",
        "dst.identity", "direction", "bytes_sent", "bytes_recv", "error", "level", "message"
    };

    private Map<String, String> captured(String client, String server, boolean inbound) {
        Map<String, String> wanted = new TreeMap<>();
        wanted.put("src.workload", client);
        wanted.put("src.namespace", "demo");
        wanted.put("src.identity", MeshYaml.idOf(client));
        wanted.put("dst.addr", lab.ip(server) + ":15008");
        wanted.put("dst.hbone_addr", lab.ip(server) + ":" + PORT);
        wanted.put("dst.workload", server);
        wanted.put("dst.namespace", "demo");
        wanted.put("dst.identity", MeshYaml.idOf(server));
        wanted.put("direction", inbound ? "inbound" : "outbound");
        wanted.put("bytes_sent", Integer.toString(inbound ? DOWN : UP));
        wanted.put("bytes_recv", Integer.toString(inbound ? UP : DOWN));
        wanted.put("error", "");
        wanted.put("level", "info");
        wanted.put("message", "connection complete");
        return wanted;
    }

    @Test
    void capturedPodsOfTwoNodes_talkUnderBothIdentities() {
        lab.mesh();
        Observation since = lab.observe();
        talk.once("client", "server");
        since.expectFlows("one", Flow.mutual("source", "client", "server", 1, UP, DOWN));
        since.expectFlows("two", Flow.mutual("destination", "client", "server", 1, UP, DOWN));
        assertEquals(captured("client", "server", false), told(since.onlyConnection("one"), ENDS));
        assertEquals(captured("client", "server", true), told(since.onlyConnection("two"), ENDS));
    }

    @Test
    void capturedPodsOfOneNode_talkUnderBothIdentities() {
        lab.mesh();
        Observation since = lab.observe();
        talk.once("client", "near");
        since.expectFlows(
                "one",
                Flow.mutual("source", "client", "near", 1, UP, DOWN),
                Flow.mutual("destination", "client", "near", 1, UP, DOWN));
        Eventually.holds(
                "both ends are logged",
                Duration.ofSeconds(5),
                () -> since.accessLog("one").size() == 2);
        for (LogEntry entry : since.accessLog("one")) {
            boolean inbound = entry.field("direction").equals("inbound");
            assertEquals(captured("client", "near", inbound), told(entry, ENDS));
        }
    }

    @Test
    void serverThatNobodyCaptures_isReachedInPlaintext_andOnlyTheSourceReports() {
        lab.mesh(lab.workload("legacy-two").build());
        Observation since = lab.observe();
        talk.once("client", "legacy-two");
        since.expectFlows(
                "one", Flow.plain("source", Flow.End.unproven("client"), Flow.End.proven("legacy-two"), 1, UP, DOWN));
        since.expectFlows("two");
        LogEntry entry = since.onlyConnection("one");
        assertEquals(
                Map.of("src.identity", "", "dst.identity", "", "dst.hbone_addr", "", "dst.workload", "legacy-two"),
                told(entry, "src.identity", "dst.identity", "dst.hbone_addr", "dst.workload"));
        assertEquals(lab.ip("legacy-two") + ":" + PORT, entry.field("dst.addr"));
    }

    @Test
    void clientThatNobodyCaptures_isServedInPlaintext_andOnlyTheDestinationReports() {
        lab.mesh(lab.workload("legacy-one").build());
        Observation since = lab.observe();
        talk.once("legacy-one", "server");
        since.expectFlows("one");
        since.expectFlows(
                "two",
                Flow.plain("destination", Flow.End.unproven("legacy-one"), Flow.End.proven("server"), 1, UP, DOWN));
        LogEntry entry = since.onlyConnection("two");
        assertEquals(
                Map.of("src.identity", "", "dst.identity", "", "dst.hbone_addr", "", "src.workload", "legacy-one"),
                told(entry, "src.identity", "dst.identity", "dst.hbone_addr", "src.workload"));
    }

    @Test
    void openConnection_isCountedAsOpened_andOnceItEndsAsClosed() {
        lab.mesh(lab.workload("legacy-two").build());
        AgentMetrics before = lab.agent("one").metrics();
        try (LabProcess serving = talk.echo("legacy-two", PORT);
                LabProcess open = NetProbe.spawnConnect(
                        lab.net(),
                        lab.ns("client"),
                        lab.ns("legacy-two").ipv4(),
                        PORT,
                        List.of(),
                        "both:5000",
                        "sleep:1500",
                        "fin",
                        "eof")) {
            expectCounts(before, 1, 0);
            open.await(Duration.ofSeconds(10)).expectOk();
            expectCounts(before, 1, 1);
            serving.stop();
        }
        AgentMetrics after = lab.agent("one").metrics();
        assertEquals(5000, after.sum("istio_tcp_sent_bytes_total") - before.sum("istio_tcp_sent_bytes_total"));
        assertEquals(5000, after.sum("istio_tcp_received_bytes_total") - before.sum("istio_tcp_received_bytes_total"));
    }

    private void expectCounts(AgentMetrics before, int opened, int closed) {
        Eventually.passes("counted", Duration.ofSeconds(5), () -> {
            AgentMetrics now = lab.agent("one").metrics();
            assertEquals(
                    opened,
                    now.sum("istio_tcp_connections_opened_total") - before.sum("istio_tcp_connections_opened_total"));
            assertEquals(
                    closed,
                    now.sum("istio_tcp_connections_closed_total") - before.sum("istio_tcp_connections_closed_total"));
        });
    }
}
