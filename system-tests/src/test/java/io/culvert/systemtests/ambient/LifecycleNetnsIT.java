package io.culvert.systemtests.ambient;

import static io.culvert.systemtests.ambient.Talk.PORT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.culvert.agent.mesh.Records;
import io.culvert.systemtests.lab.AgentProcess;
import io.culvert.systemtests.lab.LogEntry;
import io.culvert.systemtests.lab.MeshYaml;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.NetProbe;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Agents that end, pods that end, certificates that are fetched and forgotten. */
class LifecycleNetnsIT {
    private static final Duration DRAIN = Duration.ofSeconds(4);
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final int ENDED_BY_TERM = 143;

    @RegisterExtension
    static final AmbientExtension LAB = AmbientExtension.own(AmbientLab.builder()
            .pod("client", "one")
            .pod("server", "two")
            .environment("CONNECTION_TERMINATION_DEADLINE", DRAIN.toSeconds() + "s"));

    private final AmbientLab lab = LAB.lab();
    private final Talk talk = new Talk(lab);

    @AfterEach
    void startAgain() {
        for (String node : AmbientLab.NODES) {
            if (!lab.hasAgent(node)) {
                lab.startAgent(node);
                lab.awaitServing(node);
            }
        }
    }

    private LabProcess open(String... steps) {
        double before = lab.agent("one").metrics().sum("istio_tcp_sent_bytes_total");
        LabProcess open = NetProbe.spawnConnect(
                lab.net(), lab.ns("client"), lab.ns("server").ipv4(), PORT, List.of(), steps);
        Eventually.holds(
                "it is open", SOON, () -> lab.agent("one").metrics().sum("istio_tcp_sent_bytes_total") >= before + 100);
        return open;
    }

    private AgentProcess end(String signal) {
        return end("one", signal);
    }

    private AgentProcess end(String node, String signal) {
        AgentProcess agent = lab.agent(node);
        lab.forgetAgent(node);
        agent.signal(signal);
        return agent;
    }

    private static void awaitDraining(AgentProcess agent) {
        Eventually.holds(
                "it drains",
                SOON,
                () -> agent.log().stream()
                        .anyMatch(entry -> entry.field("message").startsWith("draining")));
    }

    private boolean isReady(String node) {
        return lab.net()
                        .exec(lab.ns(node), "curl", "-sf", "http://127.0.0.1:15021/healthz/ready")
                        .exit()
                == 0;
    }

    @Test
    void agentThatIsToldToEnd_letsWhatIsOpenFinish_andTakesNothingNew() {
        try (LabProcess serving = talk.echo("server", PORT);
                LabProcess open = open("both:100", "sleep:2000", "both:100", "fin", "eof")) {
            AgentProcess agent = end("TERM");
            Eventually.passes(
                    "new ones fail",
                    SOON,
                    () -> NetProbe.connect(
                                    lab.net(),
                                    lab.ns("client"),
                                    lab.ns("server").ipv4(),
                                    PORT,
                                    "unconnected")
                            .expectOk());
            assertTrue(agent.isAlive(), "it waits for the connection");
            open.await(SOON).expectOk();
            agent.awaitEnd(Duration.ofSeconds(3)).expectOk();
            serving.stop();
        }
    }

    @Test
    void agentThatIsToldToEnd_cutsWhatIsStillOpenAtTheDeadline() {
        try (LabProcess serving = talk.echo("server", PORT);
                LabProcess open = open("both:100", "closed")) {
            long started = System.nanoTime();
            AgentProcess agent = end("TERM");
            awaitDraining(agent);
            Eventually.holds("it is not ready", SOON, () -> !isReady("one"));
            assertTrue(agent.metrics().sum("istio_tcp_connections_opened_total") >= 1, "it still tells what it does");
            assertFalse(agent.configDump().path("workloadState").isEmpty());
            agent.awaitEnd(DRAIN.plusSeconds(4)).expectOk();
            assertTrue(System.nanoTime() - started > DRAIN.minusMillis(500).toNanos(), "it had its time");
            open.await(SOON).expectOk();
            serving.stop();
        }
    }

    @Test
    void policyThatComesWhileTheAgentDrains_cutsWhatItRefuses() {
        try (LabProcess serving = talk.echo("server", PORT);
                LabProcess open = open("both:100", "closed")) {
            AgentProcess agent = end("two", "TERM");
            awaitDraining(agent);
            lab.mesh(Records.denyPorts(AmbientLab.NAMESPACE + "/deny", List.of(PORT)));
            open.await(SOON).expectOk();
            agent.awaitEnd(DRAIN.plusSeconds(4)).expectOk();
            List<LogEntry> ends = agent.connectionEnds();
            assertTrue(ends.getLast().field("error").startsWith("no longer allowed by policy"), ends::toString);
            serving.stop();
        } finally {
            lab.mesh();
        }
    }

    @Test
    void agentThatIsToldToEndTwice_endsAtOnce() {
        try (LabProcess serving = talk.echo("server", PORT);
                LabProcess open = open("both:100", "closed")) {
            AgentProcess agent = end("TERM");
            awaitDraining(agent);
            agent.signal("TERM");
            assertEquals(ENDED_BY_TERM, agent.awaitEnd(DRAIN.minusSeconds(2)).exit());
            open.await(SOON).expectOk();
            serving.stop();
        }
    }

    @Test
    void agentWithoutConnections_endsPromptly_onASignal() {
        end("TERM").awaitEnd(Duration.ofSeconds(3)).expectOk();
    }

    @Test
    void agentWithoutConnections_endsPromptly_whenItsAdminPortIsAskedTo() {
        AgentProcess agent = lab.agent("one");
        lab.forgetAgent("one");
        lab.net()
                .exec(lab.ns("one"), "curl", "-sf", "-X", "POST", "http://127.0.0.1:15000/quitquitquit")
                .expectOk();
        agent.awaitEnd(Duration.ofSeconds(3)).expectOk();
    }

    @Test
    void agentWhosePortIsTaken_doesNotStart() {
        end("TERM").awaitEnd(SOON).expectOk();
        for (int port : new int[] {15_000, 15_020, 15_021}) {
            try (LabProcess squatter = NetProbe.serve(lab.net(), lab.ns("one"), port, "echo")) {
                AgentProcess agent = lab.startAgent("one");
                agent.allowTrouble("15\\d\\d\\d");
                lab.forgetAgent("one");
                assertNotEquals(0, agent.awaitEnd(SOON).exit());
                squatter.stop();
            }
        }
    }

    @Test
    void podThatIsDeleted_takesItsConnectionsWithIt_andAnswersNobody() {
        try (LabProcess serving = talk.echo("server", PORT);
                LabProcess open = open("both:100", "sleep:1500", "send:100", "closed")) {
            lab.delete("server");
            open.await(SOON).expectOk();
            NetProbe.connect(
                            lab.net(),
                            lab.ns("client"),
                            lab.ns("server").ipv4(),
                            PORT,
                            List.of("--timeout-ms", "15000"),
                            "closed")
                    .expectOk();
            serving.stop();
        } finally {
            lab.handOver("server");
            lab.awaitServing("two");
        }
    }

    private long asked(String identity) {
        return lab.authority().requests().stream()
                .filter(request -> request.getMetadata()
                        .getFieldsOrThrow("ImpersonatedIdentity")
                        .getStringValue()
                        .equals(identity))
                .count();
    }

    private Set<String> held(String node) {
        Set<String> identities = new TreeSet<>();
        for (JsonNode each : lab.agent(node).configDump().path("certificates")) {
            identities.add(each.path("identity").asText());
        }
        return identities;
    }

    private Records.WorkloadSpec sharing(String name, String ip, String node) {
        return Records.pod(name, ip)
                .namespace(AmbientLab.NAMESPACE)
                .serviceAccount("shared")
                .node(node)
                .hbone();
    }

    @Test
    void certificate_isFetchedOnceForTheNodesWorkloads_andForgottenAfterTheLast() {
        String shared = MeshYaml.idOf("shared");
        lab.mesh(sharing("elsewhere", "10.88.9.9", "three").build());
        assertEquals(0, asked(shared));
        lab.mesh(
                sharing("first", "10.88.9.1", "one").build(),
                sharing("second", "10.88.9.2", "one").build());
        Eventually.holds("it is fetched", SOON, () -> held("one").contains(shared));
        lab.mesh(sharing("second", "10.88.9.2", "one").build());
        assertTrue(held("one").contains(shared));
        assertEquals(1, asked(shared));
        lab.mesh();
        Eventually.holds("it is forgotten", SOON, () -> !held("one").contains(shared));
        assertTrue(!held("two").contains(shared));
    }
}
