package io.culvert.systemtests.netns;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.systemtests.lab.AgentProcess;
import io.culvert.systemtests.lab.MeshLab;
import io.culvert.systemtests.lab.MeshLabExtension;
import io.culvert.systemtests.lab.Observation;
import io.culvert.systemtests.lab.SystemCalls;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.FdCensus;
import io.culvert.testkit.LabProcess;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Plaintext goes from socket to socket inside the kernel, and what is at rest holds nothing but its two sockets. */
class SpliceNetnsIT {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final int MUCH = 50_000_000;
    private static final int IDLE = 200;
    /** What the agent opens for itself now and then, such as a class or a file it watches. */
    private static final int BESIDE_MAX = 20;

    @RegisterExtension
    static final MeshLabExtension LAB = new MeshLabExtension(Way.builder());

    private static MeshLab lab() {
        return LAB.lab();
    }

    @ParameterizedTest
    @EnumSource(names = {"PLAINTEXT_IN", "PLAINTEXT_OUT"})
    void plaintextDoesNotEnterTheProcess(Way way) {
        Observation since = lab().observe();
        try (SystemCalls calls =
                SystemCalls.of(lab().net(), way.plaintextAgent(lab()).pid())) {
            try (LabProcess serving = way.serveOne(lab(), "duplex:" + MUCH, "eof")) {
                way.connect(lab(), List.of("--hash"), "duplex:" + MUCH, "fin", "eof")
                        .expectOk();
                serving.await(LONG).expectOk();
            }
            calls.stop();
            assertEquals(2L * MUCH, calls.splicedBytes());
            assertTrue(calls.copiedBytes() < MUCH / 50, () -> calls.copiedBytes() + " bytes were copied");
        }
        way.expect(since, 1, MUCH, MUCH);
    }

    @ParameterizedTest
    @EnumSource(names = "TUNNEL_BETWEEN_NODES")
    void bytesOfATunnelAreSeenToEnterIt(Way way) {
        try (SystemCalls calls = SystemCalls.of(lab().net(), lab().agent("one").pid())) {
            try (LabProcess serving = way.serveOne(lab(), "recv:1000000", "eof")) {
                way.connect(lab(), List.of(), "send:1000000", "fin", "eof").expectOk();
                serving.await(LONG).expectOk();
            }
            calls.stop();
            assertTrue(calls.copiedBytes() > 2_000_000, () -> calls.copiedBytes() + " bytes were copied");
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"PLAINTEXT_IN", "PLAINTEXT_OUT"})
    void connectionAtRest_holdsItsTwoSocketsAlone(Way way) {
        AgentProcess agent = way.plaintextAgent(lab());
        FdCensus before = FdCensus.of(agent.pid());
        try (LabProcess _ = way.serve(lab(), List.of(), "echo");
                LabProcess client = way.spawnConnect(
                        lab(),
                        List.of("--connections", "" + IDLE, "--timeout-ms", "60000"),
                        "both:100000",
                        "all",
                        "sleep:4000",
                        "fin",
                        "eof")) {
            Eventually.passes("all are at rest", LONG, () -> {
                int more = FdCensus.of(agent.pid()).countWithoutFiles() - before.countWithoutFiles();
                assertTrue(more >= 2 * IDLE && more <= 2 * IDLE + BESIDE_MAX, () -> more + " descriptors more");
            });
            client.await(LONG).expectOk();
        }
    }
}
