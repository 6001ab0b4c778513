package io.culvert.systemtests.netns;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.culvert.systemtests.lab.AgentMetrics;
import io.culvert.systemtests.lab.Flow;
import io.culvert.systemtests.lab.LogEntry;
import io.culvert.systemtests.lab.MeshLab;
import io.culvert.systemtests.lab.MeshLabExtension;
import io.culvert.systemtests.lab.MeshYaml;
import io.culvert.systemtests.lab.Observation;
import io.culvert.testkit.CommandResult;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.NetProbe;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Policies and their edits while connections are open. */
class PolicyNetnsIT {
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final int PORT = 7000;
    private static final String ONLY_CLIENT = "action: ALLOW, workloads: [server], "
            + "rules: [{from: [{source: {principals: [\"cluster.local/ns/demo/sa/client\"]}}]}]";
    private static final String NOT_INTRUDER = "action: DENY, workloads: [server], "
            + "rules: [{from: [{source: {principals: [\"cluster.local/ns/demo/sa/intruder\"]}}]}]";
    private static final String NOT_PORT =
            "action: DENY, workloads: [server], rules: [{to: [{operation: {ports: [\"7000\"]}}]}]";
    private static final String STRICT = "mtls: {mode: STRICT}, workloads: [server]";

    @RegisterExtension
    static final MeshLabExtension LAB = new MeshLabExtension(MeshLab.builder()
            .pod("client", "one")
            .pod("intruder", "one")
            .pod("server", "two")
            .legacyPod("legacy", "two"));

    private final MeshYaml open = lab().mesh();
    private LabProcess server = serve(PORT);

    private static MeshLab lab() {
        return LAB.lab();
    }

    private static LabProcess serve(int port) {
        return NetProbe.serve(lab().net(), lab().ns("server"), port, List.of("--quiet"), "echo");
    }

    private static InetAddress target() {
        return lab().ns("server").ipv4();
    }

    private static CommandResult connect(String from, String... steps) {
        return NetProbe.connect(lab().net(), lab().ns(from), target(), PORT, steps);
    }

    private static void expectServed(String from) {
        connect(from, "both:1000", "fin", "eof").expectOk();
    }

    @BeforeEach
    void serverIsThere() {
        assertTrue(server.isAlive());
    }

    @AfterEach
    void back() {
        lab().apply(open);
        server.close();
    }

    @Test
    void allowForOne_refusesAllOthers() {
        lab().apply(open.policy("only-client", ONLY_CLIENT));
        expectServed("client");
        Observation since = lab().observe();
        connect("intruder", "reset").expectOk();
        connect("legacy", "reset").expectOk();
        since.expectFlows(
                "one", Flow.mutual("source", "intruder", "server", 1, 0, 0).closedWith(Map.of("CONNECT", 1L)));
        since.expectFlows(
                "two",
                Flow.mutual("destination", "intruder", "server", 1, 0, 0).closedWith(Map.of("DENY", 1L)),
                Flow.plain("destination", Flow.End.UNKNOWN, Flow.End.proven("server"), 1, 0, 0)
                        .closedWith(Map.of("DENY", 1L)));
        assertTrue(since.onlyConnection("one").field("error").contains("401"));
        assertEquals(2, since.ended("two", "policy_denied"));
        since.accessLog("two")
                .forEach(entry -> assertTrue(entry.field("error").startsWith("denied by policy"), entry.toString()));
    }

    @Test
    void denyNamesThePolicy() {
        lab().apply(open.policy("not-intruder", NOT_INTRUDER));
        expectServed("client");
        expectServed("legacy");
        Observation since = lab().observe();
        connect("intruder", "reset").expectOk();
        LogEntry entry = since.onlyConnection("two");
        assertTrue(entry.toString().contains("demo/not-intruder"), entry.toString());
    }

    /** Opens a connection that echoes once and then waits for its end; {@code reset} or {@code eof} tells which is wanted. */
    private static LabProcess waiting(String from, int port, String end) {
        LabProcess opened = NetProbe.spawnConnect(
                lab().net(), lab().ns(from), target(), port, List.of("--timeout-ms", "30000"), "both:1000", end);
        Eventually.holds("the connection of " + from + " carries bytes", SOON, () -> inbound(from) > 0);
        return opened;
    }

    private static long inbound(String from) {
        String address = lab().ns(from).ipv4().getHostAddress() + ":";
        long open = 0;
        for (var pod : lab().agent("two").configDump().path("workloadState")) {
            for (var connection : pod.at("/connections/inbound")) {
                open += connection.path("src").asText().startsWith(address) ? 1 : 0;
            }
        }
        return open;
    }

    /** Edits, and demands that one connection is cut within a second and the others go on. */
    private static void expectCut(MeshYaml edited, LabProcess cut, LabProcess... kept) {
        Observation since = lab().observe();
        long began = System.nanoTime();
        lab().post(edited);
        cut.await(Duration.ofSeconds(5)).expectOk();
        Duration took = Duration.ofNanos(System.nanoTime() - began);
        assertTrue(took.compareTo(Duration.ofSeconds(1)) < 0, "cut within a second, not " + took);
        Eventually.holds("counted", SOON, () -> since.ended("two", "policy_changed") == 1);
        LogEntry entry = since.accessLog("two").getFirst();
        assertTrue(entry.field("error").startsWith("no longer allowed by policy"), entry.toString());
        assertEquals("1000", entry.field("bytes_recv"));
        for (LabProcess other : kept) {
            assertTrue(other.isAlive(), "others go on");
            other.close();
        }
    }

    @Test
    void denyThatComes_cutsTheOpenConnectionWithinASecond() {
        LabProcess kept = waiting("client", PORT, "eof");
        LabProcess plain = waiting("legacy", PORT, "eof");
        LabProcess cut = waiting("intruder", PORT, "reset");
        expectCut(open.policy("not-intruder", NOT_INTRUDER), cut, kept, plain);
    }

    @Test
    void allowThatComes_cutsWhomItDoesNotName() {
        LabProcess kept = waiting("client", PORT, "eof");
        LabProcess cut = waiting("intruder", PORT, "reset");
        expectCut(open.policy("only-client", ONLY_CLIENT), cut, kept);
    }

    @Test
    void labelThatComes_cutsWhomThePolicyForItDoesNotName() {
        MeshYaml before = open.policy(
                "guard", ONLY_CLIENT.replace("workloads: [server]", "selector: {matchLabels: {app: guarded}}"));
        lab().apply(before);
        LabProcess kept = waiting("client", PORT, "eof");
        LabProcess cut = waiting("intruder", PORT, "reset");
        expectCut(before.pod(lab().ns("server"), "labels: {app: guarded}"), cut, kept);
        connect("intruder", "reset").expectOk();
        expectServed("client");
    }

    @Test
    void policyInDryRun_isCountedAndLogged_andDecidesNothing() {
        lab().apply(open.policy("trial", NOT_INTRUDER + ", dryRun: true"));
        AgentMetrics before = lab().agent("two").metrics();
        expectServed("intruder");
        expectServed("client");
        AgentMetrics after = lab().agent("two").metrics();
        assertEquals(1, dryRuns(after, "true") - dryRuns(before, "true"));
        assertEquals(1, dryRuns(after, "false") - dryRuns(before, "false"));
        Eventually.holds(
                "it is logged",
                SOON,
                () -> lab().agent("two").log().stream()
                        .anyMatch(entry -> entry.field("scope").equals("policy")
                                && entry.field("policy").equals("demo/trial")
                                && entry.field("matched").equals("true")
                                && entry.field("src.identity").equals(MeshYaml.idOf("intruder"))));
    }

    private static double dryRuns(AgentMetrics metrics, String matched) {
        return metrics.sum(
                "culvert_policy_dry_run_total",
                sample -> sample.label("policy").equals("demo/trial")
                        && sample.label("action").equals("deny")
                        && sample.label("matched").equals(matched));
    }

    @Test
    void strictThatComes_cutsPlaintextOnly() {
        LabProcess kept = waiting("client", PORT, "eof");
        LabProcess cut = waiting("legacy", PORT, "reset");
        expectCut(open.peerAuthentication("strict", STRICT), cut, kept);
        connect("legacy", "reset").expectOk();
        expectServed("client");
    }

    @Test
    void denyOfAPort_leavesOtherPorts() {
        LabProcess otherPort = serve(PORT + 1);
        LabProcess kept = waiting("intruder", PORT + 1, "eof");
        LabProcess cut = waiting("client", PORT, "reset");
        expectCut(open.policy("not-port", NOT_PORT), cut, kept);
        otherPort.close();
    }

    @Test
    void policyThatGoes_letsInAgain() {
        lab().apply(open.policy("only-client", ONLY_CLIENT));
        connect("intruder", "reset").expectOk();
        lab().apply(open);
        expectServed("intruder");
    }

    private static JsonNode lastError(String node) {
        return lab().agent(node).configDump().at("/meshFile/lastError");
    }

    private static void allowRefusals() {
        MeshLab.NODES.forEach(node -> lab().agent(node).allowTrouble("mesh file refused, the last good one stays"));
    }

    /** Edits the file, and waits until both agents show and log where it is wrong; {@code told} follows the file's name. */
    private static void expectRefused(String text, String told) {
        allowRefusals();
        AgentMetrics before = lab().agent("two").metrics();
        lab().write(text);
        String shown = lab().meshFile() + told;
        Eventually.passes("both agents say what is wrong", SOON, () -> {
            for (String node : MeshLab.NODES) {
                String error = lastError(node).asText();
                assertTrue(error.startsWith(shown), error);
                assertTrue(lab().agent(node).log().stream()
                        .anyMatch(e -> e.field("message").contains(shown)));
            }
        });
        assertEquals(1, refusals(lab().agent("two").metrics()) - refusals(before));
    }

    private static void awaitForgiven() {
        Eventually.holds(
                "the good one is read again", SOON, () -> lastError("two").isNull());
    }

    @Test
    void badEdit_keepsTheLastGoodStateAndSaysWhere() {
        MeshYaml good = open.policy("only-client", ONLY_CLIENT);
        lab().apply(good);
        LabProcess kept = waiting("client", PORT, "eof");
        long line =
                good.text().lines().takeWhile(l -> !l.contains("action: ALLOW")).count() + 1;
        expectRefused(good.text().replace("action: ALLOW", "action: ALOW"), ":" + line + ":");
        MeshLab.NODES.forEach(node -> assertTrue(lastError(node).asText().contains("ALOW")));
        connect("intruder", "reset").expectOk();
        expectServed("client");
        assertTrue(kept.isAlive());
        kept.close();
        lab().apply(good);
        awaitForgiven();
    }

    @Test
    void editToATrustDomainThatTheAuthorityIsNotOf_isABadEdit() {
        expectRefused(
                open.text().replace("{trustDomain: cluster.local}", "{trustDomain: other.example}"),
                ":1:21: mesh.trustDomain: the certificate authority certifies only cluster.local");
        expectServed("client");
        lab().apply(open);
        awaitForgiven();
    }

    private static double refusals(AgentMetrics metrics) {
        return metrics.sum(
                "culvert_config_reload_total", s -> !s.label("result").equals("applied"));
    }

    @Test
    void fileThatGoesAway_changesNothing() {
        allowRefusals();
        lab().net().exec(lab().ns("one"), "rm", lab().meshFile().toString()).expectOk();
        Eventually.holds("it is noticed", SOON, () -> lastError("two").asText().contains("does not exist"));
        expectServed("client");
        assertFalse(lab().agent("two").configDump().path("workloadState").isEmpty());
        // The same text again is the same state again.
        lab().apply(open);
        awaitForgiven();
    }
}
