package io.culvert.systemtests.netns;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.systemtests.lab.AgentProcess;
import io.culvert.systemtests.lab.MeshLab;
import io.culvert.systemtests.lab.MeshLabExtension;
import io.culvert.testkit.CommandResult;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.FdCensus;
import io.culvert.testkit.LabProcess;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Many connections at once, and many one after the other, each of them verified byte by byte by the load generator. */
class PressureNetnsIT {
    private static final String LOAD = Path.of(System.getProperty("culvert.root"), "perf/target/culvert-load")
            .toString();
    private static final Duration LONG = Duration.ofSeconds(90);
    private static final int PORT = 9_000;
    private static final int MANY = 8_000;
    /** As many descriptors as a modest system lets a process have. */
    private static final int DESCRIPTORS_MAX = 20_000;
    /** Per connection and agent; a stream that waits holds no buffer. */
    private static final long IDLE_BYTES_MAX = 6_000;

    /** Tunnels, and pipes that are kept for a while. */
    private static final int FEW = 40;

    @RegisterExtension
    static final MeshLabExtension LAB =
            new MeshLabExtension(MeshLab.builder().pod("client", "one").pod("server", "two"));

    private static MeshLab lab() {
        return LAB.lab();
    }

    @BeforeAll
    static void serve() {
        LabProcess server =
                lab().net().spawn(lab().ns("server"), LOAD, "server", "--listen", "::", "--port", "" + PORT);
        server.awaitLine("listening", LONG);
    }

    private static LabProcess load(String arguments) {
        List<String> command = new ArrayList<>(
                List.of(LOAD, "client", "--to", lab().ip("server"), "--port", "" + PORT, "--wait", "60"));
        command.addAll(List.of(arguments.split(" ")));
        return lab().net().spawn(lab().ns("client"), command);
    }

    private static CommandResult askReadiness(AgentProcess agent) {
        return lab().net()
                .exec(
                        agent.node(),
                        "curl",
                        "--silent",
                        "--show-error",
                        "--fail",
                        "--max-time",
                        "2",
                        "http://127.0.0.1:15021/healthz/ready");
    }

    @Test
    void eightThousandConnectionsAtOnce_fitIntoFewDescriptorsAndLittleMemory_andLeaveNothing() {
        load("--work connect --connections 64 --seconds 3").await(LONG).expectOk();
        List<AgentProcess> agents = lab().agents();
        List<Integer> descriptorsBefore =
                agents.stream().map(PressureNetnsIT::descriptors).toList();
        List<Long> before = agents.stream().map(AgentProcess::residentBytes).toList();
        try (LabProcess client = load("--work idle --connections " + MANY + " --seconds 4")) {
            client.awaitLine("holding", LONG);
            for (int i = 0; i < agents.size(); i++) {
                AgentProcess agent = agents.get(i);
                int descriptors = descriptors(agent);
                assertTrue(descriptors >= MANY && descriptors < DESCRIPTORS_MAX, () -> descriptors + " descriptors");
                long more = agent.residentBytes() - before.get(i);
                assertTrue(more < MANY * IDLE_BYTES_MAX, () -> more + " bytes more");
                askReadiness(agent).expectOk();
            }
            // Each has one more exchange then.
            client.await(LONG).expectOk();
        }
        for (int i = 0; i < agents.size(); i++) {
            AgentProcess agent = agents.get(i);
            int allowed = descriptorsBefore.get(i) + FEW;
            Eventually.holds("descriptors come back", LONG, () -> descriptors(agent) <= allowed);
        }
    }

    private static int descriptors(AgentProcess agent) {
        return FdCensus.of(agent.pid()).countWithoutFiles();
    }

    @Test
    void aStormOfConnections_keepsReadiness_andLosesNone() {
        try (LabProcess client = load("--work connect --connections 256 --seconds 5")) {
            int asked = 0;
            while (client.isAlive()) {
                for (AgentProcess agent : lab().agents()) {
                    askReadiness(agent).expectOk();
                    asked++;
                }
            }
            assertTrue(asked >= 10, asked + " times asked");
            CommandResult result = client.await(LONG).expectOk();
            assertTrue(result.out().contains("\"failed\":0"), result::out);
        }
    }

    /** They go over the same two loops; a stream that has much to say waits its turn like any other. */
    @Test
    void smallExchangesBesideBulk_goOn() {
        try (LabProcess bulk = load("--work bulk --connections 2 --seconds 6")) {
            Duration enough = lab().agent("one").cpu().plusMillis(500);
            Eventually.holds(
                    "bulk has begun", LONG, () -> lab().agent("one").cpu().compareTo(enough) > 0);
            CommandResult small =
                    load("--work ping --connections 16 --seconds 2").await(LONG).expectOk();
            assertTrue(bulk.isAlive(), "bulk was over before");
            assertEquals(0, small.exit());
            assertTrue(exchanges(small.out()) > 16 * 20, small::out);
            bulk.await(LONG).expectOk();
        }
    }

    private static double exchanges(String json) {
        return Double.parseDouble(json.replaceAll("(?s).*\"operations\":\\s*([0-9]+).*", "$1"));
    }
}
