package io.culvert.systemtests.netns;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.systemtests.lab.AgentProcess;
import io.culvert.systemtests.lab.MeshLab;
import io.culvert.systemtests.lab.MeshLabExtension;
import io.culvert.systemtests.lab.Observation;
import io.culvert.systemtests.lab.SystemCalls;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.LabProcess;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Where the kernel has TLS a tunnel's payload does not enter the process, and where it has none the agent says so and carries it.
 *
 * <p>Source of the counters: the kernel's Documentation/networking/tls.rst.
 */
class KernelTlsNetnsIT {
    private static final Duration LONG = Duration.ofMinutes(2);
    private static final int MUCH = 50_000_000;
    private static final Path COUNTERS = Path.of("/proc/net/tls_stat");

    @RegisterExtension
    static final MeshLabExtension LAB = new MeshLabExtension(Way.builder());

    private static MeshLab lab() {
        return LAB.lab();
    }

    private static String status(AgentProcess agent) {
        return agent.configDump().path("agent").path("kernelTls").asText();
    }

    private static boolean isInUse() {
        return status(lab().agent("one")).startsWith("in use");
    }

    /** What the kernel has counted in a pod's namespace. */
    private static long counter(String pod, String name) {
        return lab().net()
                .exec(lab().ns(pod), "cat", COUNTERS.toString())
                .expectOk()
                .out()
                .lines()
                .filter(line -> line.startsWith(name + " "))
                .mapToLong(line -> Long.parseLong(line.substring(name.length()).trim()))
                .sum();
    }

    @Test
    void agentSaysOnce_whetherTheKernelHasTheRecords() {
        for (String node : MeshLab.NODES) {
            AgentProcess agent = lab().agent(node);
            String status = status(agent);
            assertEquals(Files.exists(COUNTERS), status.startsWith("in use"), status);
            List<String> said = agent.log().stream()
                    .map(entry -> entry.field("message"))
                    .filter(message -> message.contains("kernel TLS"))
                    .toList();
            assertEquals(List.of("kernel TLS: " + status), said);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"TUNNEL_BETWEEN_NODES", "TUNNEL_WITHIN_A_NODE"})
    void payloadDoesNotEnterTheProcess_whereTheKernelHasTheRecords(Way way) {
        Observation since = lab().observe();
        boolean kernel = isInUse();
        try (SystemCalls calls = SystemCalls.of(lab().net(), lab().agent("one").pid())) {
            try (LabProcess serving = way.serveOne(lab(), "duplex:" + MUCH, "eof");
                    LabProcess client = way.spawnConnect(lab(), List.of("--hash"), "duplex:" + MUCH, "fin", "eof")) {
                if (kernel) {
                    Eventually.holds(
                            "the kernel has records both ways",
                            LONG,
                            () -> counter("client", "TlsCurrTxSw") > 0 && counter("client", "TlsCurrRxSw") > 0);
                }
                client.await(LONG).expectOk();
                serving.await(LONG).expectOk();
            }
            if (kernel) {
                assertEquals(0, counter("client", "TlsDecryptError"));
            }
            calls.stop();
            long moved = calls.splicedBytes() + calls.copiedBytes();
            if (kernel) {
                assertTrue(
                        calls.copiedBytes() < moved / 100,
                        () -> calls.copiedBytes() + " bytes were copied, " + calls.splicedBytes() + " were not\n"
                                + calls.sizes());
            } else {
                assertEquals(0, calls.splicedBytes());
            }
        }
        way.expect(since, 1, MUCH, MUCH);
    }
}
