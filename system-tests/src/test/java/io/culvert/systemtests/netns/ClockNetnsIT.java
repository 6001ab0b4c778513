package io.culvert.systemtests.netns;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.culvert.systemtests.lab.AgentProcess;
import io.culvert.systemtests.lab.MeshLab;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.LabProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * The time of day as the agents see it is set while they run, by libfaketime in front of the C library; the monotonic clock
 * goes on, as on a machine whose clock is set.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ClockNetnsIT {
    private static final Duration SOON = Duration.ofSeconds(15);
    private static final Duration TTL = Duration.ofMinutes(10);
    private static final Way WAY = Way.TUNNEL_BETWEEN_NODES;

    private final MeshLab lab = Way.builder()
            .flags("--secret-ttl=" + TTL.toMinutes() + "m")
            .withoutAgents()
            .start();
    private final Path folder = temporaryFolder();

    private static Path temporaryFolder() {
        try {
            return Files.createTempDirectory(
                    "clock", PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The library, wherever the distribution for this processor keeps it. */
    private static Path library() {
        try (Stream<Path> found = Files.find(
                Path.of("/usr/lib"), 3, (path, attributes) -> path.endsWith("faketime/libfaketimeMT.so.1"))) {
            return found.findFirst()
                    .orElseThrow(
                            () -> new AssertionError("there is no libfaketime; the Debian package faketime brings it"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path clockOf(String node) {
        return folder.resolve(node);
    }

    /** Sets a node's clock this far ahead of the true time; noticed within a second. */
    private void setAhead(String node, Duration offset) {
        try {
            Path fresh = Files.writeString(folder.resolve(node + ".new"), "+" + offset.toSeconds() + "s\n");
            Files.move(fresh, clockOf(node), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void setBothAhead(Duration offset) {
        MeshLab.NODES.forEach(node -> setAhead(node, offset));
        MeshLab.NODES.forEach(node -> awaitCertificates(node, offset));
    }

    @BeforeAll
    void startAgents() {
        for (String node : MeshLab.NODES) {
            setAhead(node, Duration.ZERO);
            lab.startAgent(
                    node,
                    Map.of(
                            "LD_PRELOAD", library().toString(),
                            "FAKETIME_TIMESTAMP_FILE", clockOf(node).toString(),
                            "FAKETIME_CACHE_DURATION", "1",
                            "FAKETIME_DONT_FAKE_MONOTONIC", "1",
                            // Its own idea of monotonic waits makes the JVM spin.
                            "FAKETIME_FORCE_MONOTONIC_FIX", "0",
                            "FAKETIME_ONLY_CMDS", "java",
                            "NO_FAKE_STAT", "1"));
        }
        MeshLab.NODES.forEach(lab::awaitServing);
    }

    @AfterEach
    void noTrouble() {
        lab.verify();
    }

    @AfterAll
    void close() throws IOException {
        lab.close();
        for (String node : MeshLab.NODES) {
            Files.delete(clockOf(node));
        }
        Files.delete(folder);
    }

    /** Waits until a node's certificates are valid at the time that its clock shows, and were made there. */
    private void awaitCertificates(String node, Duration offset) {
        AgentProcess agent = lab.agent(node);
        Eventually.passes("certificates of " + node + " are renewed", SOON, () -> {
            Instant there = Instant.now().plus(offset);
            for (JsonNode certificate : agent.configDump().path("certificates")) {
                Instant end = Instant.parse(
                        certificate.at("/certChain/0/expirationTime").asText());
                Duration left = Duration.between(there, end);
                assertTrue(
                        left.compareTo(TTL.dividedBy(2)) > 0 && left.compareTo(TTL.plusSeconds(5)) < 0,
                        node + "'s certificate has " + left + " left");
            }
        });
    }

    private void expectTraffic() {
        WAY.connect(lab, List.of(), "both:1000", "fin", "eof").expectOk();
    }

    @Test
    void clockSetForwardAndBack_newConnectionsGoOnWithNewCertificates() {
        try (LabProcess _ = WAY.serve(lab, List.of("--quiet", "--timeout-ms", "60000"), "echo");
                LabProcess lasting =
                        WAY.spawnConnect(lab, List.of("--timeout-ms", "60000"), "both:1000", "hear:never")) {
            expectTraffic();
            for (long hours : new long[] {6, 2, 3, 0}) {
                setBothAhead(Duration.ofHours(hours));
                expectTraffic();
            }
            assertTrue(lasting.isAlive(), "an open connection outlives its certificate: " + lasting);
        }
    }

    @Test
    void clocksThatDisagree_refuseEachOtherUntilTheyAgree() {
        try (LabProcess _ = WAY.serve(lab, List.of("--quiet"), "echo")) {
            expectTraffic();
            setAhead("one", Duration.ofHours(1));
            awaitCertificates("one", Duration.ofHours(1));
            Eventually.passes(
                    "the tunnel of before is not used any more",
                    SOON,
                    () -> WAY.connect(lab, List.of(), "reset").expectOk());
            assertTrue(lab.agent("two").metrics().sum("culvert_bad_peer_total", "kind", "expired_certificate") > 0
                    || lab.agent("one").metrics().sum("culvert_bad_peer_total", "kind", "expired_certificate") > 0);
            setAhead("one", Duration.ZERO);
            awaitCertificates("one", Duration.ZERO);
            expectTraffic();
        }
    }
}
