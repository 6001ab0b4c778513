package io.culvert.systemtests.ambient;

import static io.culvert.systemtests.ambient.Talk.DOWN;
import static io.culvert.systemtests.ambient.Talk.PORT;
import static io.culvert.systemtests.ambient.Talk.UP;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.systemtests.lab.AgentProcess;
import io.culvert.systemtests.lab.Flow;
import io.culvert.systemtests.lab.LogEntry;
import io.culvert.systemtests.lab.MeshYaml;
import io.culvert.systemtests.lab.Observation;
import io.culvert.testkit.CommandResult;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.NetProbe;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Agents each of which runs inside its pod and serves it alone. */
class DedicatedNetnsIT {
    private static final Duration SOON = Duration.ofSeconds(20);

    @RegisterExtension
    static final AmbientExtension LAB = AmbientExtension.own(AmbientLab.builder()
            .dedicated("client", "one")
            .dedicated("near", "one")
            .dedicated("server", "two")
            .legacyPod("bare", "two")
            .legacyPod("late", "two"));

    private final AmbientLab lab = LAB.lab();
    private final Talk talk = new Talk(lab);

    private void expectTalk(String client, String server) {
        lab.mesh();
        Observation since = lab.observe();
        talk.once(client, server);
        since.expectFlows(client, Flow.mutual("source", client, server, 1, UP, DOWN));
        since.expectFlows(server, Flow.mutual("destination", client, server, 1, UP, DOWN));
        LogEntry out = since.onlyConnection(client);
        LogEntry in = since.onlyConnection(server);
        for (LogEntry entry : List.of(out, in)) {
            assertEquals(MeshYaml.idOf(client), entry.field("src.identity"));
            assertEquals(MeshYaml.idOf(server), entry.field("dst.identity"));
            assertEquals(lab.ip(server) + ":" + PORT, entry.field("dst.hbone_addr"));
        }
    }

    @Test
    void podsOfTwoNodes_talkUnderBothIdentities() {
        expectTalk("client", "server");
    }

    @Test
    void podsOfOneNode_talkUnderBothIdentities() {
        expectTalk("client", "near");
    }

    @Test
    void serverThatNobodyCaptures_isReachedInPlaintext_andOnlyTheSourceReports() {
        lab.mesh(lab.workload("bare").build());
        Observation since = lab.observe();
        talk.once("client", "bare");
        since.expectFlows(
                "client", Flow.plain("source", Flow.End.unproven("client"), Flow.End.proven("bare"), 1, UP, DOWN));
        since.expectFlows("near");
        since.expectFlows("server");
        LogEntry entry = since.onlyConnection("client");
        assertEquals("", entry.field("src.identity"));
        assertEquals("", entry.field("dst.identity"));
        assertEquals("", entry.field("dst.hbone_addr"));
        assertEquals("bare", entry.field("dst.workload"));
        assertEquals(lab.ip("bare") + ":" + PORT, entry.field("dst.addr"));
    }

    @Test
    void clientThatNobodyCaptures_isServedInPlaintext_andOnlyTheDestinationReports() {
        lab.mesh(lab.workload("bare").build());
        Observation since = lab.observe();
        talk.once("bare", "server");
        since.expectFlows("client");
        since.expectFlows("near");
        since.expectFlows(
                "server", Flow.plain("destination", Flow.End.unproven("bare"), Flow.End.proven("server"), 1, UP, DOWN));
        LogEntry entry = since.onlyConnection("server");
        assertEquals("", entry.field("src.identity"));
        assertEquals("", entry.field("dst.identity"));
        assertEquals("", entry.field("dst.hbone_addr"));
        assertEquals("bare", entry.field("src.workload"));
    }

    @Test
    void eachAgentAsksForItsOwnCertificateAlone() {
        assertTrue(lab.authority().requests().size() >= 3);
        assertTrue(lab.authority().requests().stream().noneMatch(request -> request.hasMetadata()));
        for (AgentProcess agent : lab.agents()) {
            List<String> served = new ArrayList<>();
            agent.configDump()
                    .path("workloadState")
                    .forEach(pod -> served.add(pod.at("/info/name").asText()));
            assertEquals(List.of(agent.node().name()), served);
        }
    }

    /**
     * Its ports are open at once; who was taken from there would be cut off, since nothing is known yet of its
     * pod.
     */
    @Test
    void connectionsWaitInTheKernel_untilTheControlPlaneHasToldOfTheMesh() {
        lab.mesh(lab.captured("late").build());
        lab.captureInside("late");
        lab.discovery().pause();
        AgentProcess agent = lab.startInside("late");
        try (LabProcess serving = talk.echo("server", PORT)) {
            Eventually.passes("it has begun to serve its pod", SOON, () -> {
                assertEquals(
                        List.of("Up"), agent.configDump().path("workloadState").findValuesAsText("state"));
                assertEquals(0, waiting("late", 15_001));
            });
            try (LabProcess client = NetProbe.spawnConnect(
                    lab.net(), lab.ns("late"), lab.ns("server").ipv4(), PORT, List.of(), "both:" + UP, "fin", "eof")) {
                Eventually.holds("the connection is there", SOON, () -> waiting("late", 15_001) == 1);
                Eventually.staysSo("it waits", Duration.ofSeconds(2), () -> waiting("late", 15_001) == 1);
                lab.discovery().resume();
                client.await(SOON).expectOk();
            }
            agent.awaitReady();
            assertEquals(0, waiting("late", 15_001));
            serving.stop();
        } finally {
            lab.discovery().resume();
            lab.forgetAgent("late");
            agent.signal("TERM");
            agent.awaitEnd(SOON).expectExit(0);
        }
    }

    /** How many connections to a port nobody has taken yet; -1 when nobody listens there. */
    private int waiting(String pod, int port) {
        String local = String.format(Locale.ROOT, ":%04X", port);
        for (String line :
                lab.net().exec(lab.ns(pod), "cat", "/proc/net/tcp6").out().split("\n", -1)) {
            String[] fields = line.trim().split("\\s+", -1);
            if (fields.length > 4 && fields[1].endsWith(local) && fields[3].equals("0A")) {
                return Integer.parseInt(fields[4].substring(fields[4].indexOf(':') + 1), 16);
            }
        }
        return -1;
    }

    @Test
    void agentWhosePortIsTaken_doesNotStart_andSaysWhich() {
        for (int port : new int[] {15_008, 15_006, 15_001}) {
            try (LabProcess squatter = NetProbe.serve(lab.net(), lab.ns("bare"), port, "echo")) {
                AgentProcess agent = lab.startInside("bare");
                agent.allowTrouble("150\\d\\d|cannot start");
                lab.forgetAgent("bare");
                CommandResult end = agent.awaitEnd(SOON);
                assertNotEquals(0, end.exit());
                assertFalse(end.ok());
                assertTrue(agent.toString().contains("cannot be served: listen on [::]:" + port), agent.toString());
                squatter.stop();
            }
        }
    }
}
