package io.culvert.systemtests.netns;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.systemtests.lab.AgentProcess;
import io.culvert.systemtests.lab.Flow;
import io.culvert.systemtests.lab.MeshLab;
import io.culvert.systemtests.lab.MeshLabExtension;
import io.culvert.systemtests.lab.Observation;
import io.culvert.testkit.CommandResult;
import io.culvert.testkit.Deadline;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.NetProbe;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An agent that is told to stop (SIGTERM) while connections are open. */
class DrainNetnsIT {
    private static final Duration LONG = Duration.ofSeconds(30);
    private static final Duration DEADLINE = Duration.ofSeconds(8);
    private static final Way WAY = Way.TUNNEL_BETWEEN_NODES;

    @RegisterExtension
    static final MeshLabExtension LAB =
            new MeshLabExtension(Way.builder().flags("--termination-deadline=" + DEADLINE.toSeconds() + "s"));

    private static MeshLab lab() {
        return LAB.lab();
    }

    @AfterEach
    void bringAgentsBack() {
        List<String> gone =
                MeshLab.NODES.stream().filter(node -> !lab().hasAgent(node)).toList();
        gone.forEach(lab()::startAgent);
        gone.forEach(lab()::awaitServing);
    }

    /** Waits until this many bytes have gone up since. */
    private static void awaitBytes(Observation since, String node, long bytes) {
        Eventually.holds(
                "transfers are under way",
                LONG,
                () -> since.flows(node).stream().mapToLong(Flow::up).sum() > bytes);
    }

    /** Sends SIGTERM and waits until the agent says that it drains. */
    private static AgentProcess terminate(String node) {
        AgentProcess agent = lab().agent(node);
        agent.signal("TERM");
        Eventually.holds("the agent on " + node + " drains", LONG, () -> said(agent, "draining for at most"));
        return agent;
    }

    private static boolean said(AgentProcess agent, String text) {
        return agent.log().stream().anyMatch(entry -> entry.field("message").contains(text));
    }

    private static CommandResult awaitEnd(String node, AgentProcess agent) {
        CommandResult end = agent.awaitEnd(LONG).expectExit(0);
        lab().forgetAgent(node);
        assertEquals(List.of(), agent.trouble());
        return end;
    }

    @ParameterizedTest
    @ValueSource(strings = {"one", "two"})
    void openTransfersComplete_newConnectionsAreRefused(String node) {
        Observation since = lab().observe();
        try (LabProcess serving =
                        WAY.serve(lab(), List.of("--quiet"), "rate:5000000", "recv:10000000", "send:1000000", "eof");
                LabProcess transfers = WAY.spawnConnect(
                        lab(), List.of("--connections", "8"), "send:10000000", "recv:1000000", "fin", "eof")) {
            awaitBytes(since, "one", 4_000_000);
            AgentProcess draining = terminate(node);
            expectNoNewConnections(node);
            assertTrue(draining.isAlive(), "it goes on while transfers do");
            assertTrue(transfers.await(LONG).expectOk().out().contains("connections 8 failed 0"));
            awaitEnd(node, draining);
            assertTrue(said(draining, "every connection ended by itself"), draining.toString());
            serving.stop();
        }
    }

    /** Nobody listens in the pods of a node that drains; the rules stay, so nothing slips past in plaintext either. */
    private static void expectNoNewConnections(String node) {
        String how = node.equals("one") ? "refused" : "reset";
        // One that was on its way when the signal came may still get through; it gives up soon.
        List<String> impatient = List.of("--timeout-ms", "300");
        Eventually.passes(
                "new connections are refused",
                Duration.ofSeconds(3),
                () -> WAY.connect(lab(), impatient, how).expectOk());
        if (node.equals("two")) {
            NetProbe.connect(lab().net(), lab().ns("legacy"), lab().ns("server").ipv4(), Way.PORT, "refused")
                    .expectOk();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"one", "two"})
    void deadlineCutsWhatIsStillOpen(String node) {
        try (LabProcess serving = WAY.serve(lab(), List.of("--quiet", "--timeout-ms", "60000"), "echo");
                LabProcess idle = WAY.spawnConnect(
                        lab(),
                        List.of("--connections", "20", "--timeout-ms", "60000"),
                        "both:1000",
                        "all",
                        "say:.",
                        "hear:.",
                        "reset")) {
            Observation since = lab().observe();
            Eventually.holds("all are open", LONG, () -> open(node) == 20);
            long began = System.nanoTime();
            AgentProcess draining = terminate(node);
            awaitEnd(node, draining);
            Duration took = Duration.ofNanos(System.nanoTime() - began);
            assertTrue(took.compareTo(DEADLINE.minusSeconds(1)) > 0, "not before the deadline: " + took);
            assertTrue(took.compareTo(DEADLINE.plusSeconds(4)) < 0, "soon after the deadline: " + took);
            assertTrue(said(draining, "connections that were still open were cut"), draining.toString());
            idle.await(LONG).expectOk();
            serving.stop();
            String other = node.equals("one") ? "two" : "one";
            Eventually.holds("the other agent lets go too", LONG, () -> open(other) == 0);
            assertEquals(
                    20,
                    since.flows(other).stream()
                            .mapToLong(flow -> flow.closed().values().stream()
                                    .mapToLong(Long::longValue)
                                    .sum())
                            .sum());
        }
    }

    private static int open(String node) {
        int open = 0;
        for (var pod : lab().agent(node).configDump().path("workloadState")) {
            open += pod.at("/connections/inbound").size()
                    + pod.at("/connections/outbound").size();
        }
        return open;
    }

    @Test
    void idleAgentEndsAtOnce() {
        // A tunnel without streams that the pool still keeps holds up nobody.
        try (LabProcess serving = WAY.serve(lab(), List.of("--quiet"), "echo")) {
            WAY.connect(lab(), List.of(), "both:100", "fin", "eof").expectOk();
            serving.stop();
        }
        for (String node : MeshLab.NODES) {
            Deadline soon = Deadline.after(Duration.ofSeconds(4));
            AgentProcess agent = terminate(node);
            awaitEnd(node, agent);
            assertTrue(!soon.passed(), "it took long: " + agent);
            assertTrue(said(agent, "every connection ended by itself"), agent.toString());
        }
    }

    @Test
    void rulesOutliveTheAgent_untilItIsBack() {
        String rules = lab().rules(lab().ns("client"));
        lab().stopAgent("one");
        assertEquals(rules, lab().rules(lab().ns("client")));
        try (LabProcess serving = WAY.serve(lab(), List.of("--quiet"), "echo")) {
            WAY.connect(lab(), List.of(), "refused").expectOk();
            bringAgentsBack();
            assertEquals(rules, lab().rules(lab().ns("client")));
            WAY.connect(lab(), List.of(), "both:100", "fin", "eof").expectOk();
            serving.stop();
        }
    }
}
