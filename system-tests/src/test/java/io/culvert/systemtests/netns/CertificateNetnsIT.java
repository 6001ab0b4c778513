package io.culvert.systemtests.netns;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.culvert.control.ca.CaDirectory;
import io.culvert.control.ca.CaException;
import io.culvert.control.ca.CaRotation;
import io.culvert.systemtests.lab.MeshLab;
import io.culvert.systemtests.lab.MeshLabExtension;
import io.culvert.testkit.CommandResult;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.LabProcess;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Certificates and roots that are exchanged while traffic flows. */
class CertificateNetnsIT {
    private static final Duration LONG = Duration.ofSeconds(40);
    private static final Duration TTL = Duration.ofSeconds(10);
    private static final Way WAY = Way.TUNNEL_BETWEEN_NODES;

    @RegisterExtension
    static final MeshLabExtension LAB =
            new MeshLabExtension(Way.builder().flags("--secret-ttl=" + TTL.toSeconds() + "s"));

    private static MeshLab lab() {
        return LAB.lab();
    }

    @Test
    void certificatesAndRootsAreExchanged_noConnectionFails() throws CaException {
        Set<String> serials = new HashSet<>();
        try (LabProcess _ = WAY.serve(lab(), List.of("--quiet", "--timeout-ms", "60000"), "echo");
                LabProcess lasting =
                        WAY.spawnConnect(lab(), List.of("--timeout-ms", "60000"), "both:1000", "hear:never")) {
            AtomicBoolean over = new AtomicBoolean();
            CompletableFuture<List<CommandResult>> traffic = CompletableFuture.supplyAsync(() -> traffic(over));
            CaRotation rotation = new CaRotation(lab().caFolder(), InstantSource.system(), new SecureRandom());
            awaitRoots(1, serials);
            rotation.prepare(CaDirectory.ROOT_VALIDITY_DEFAULT);
            awaitRoots(2, serials);
            Set<String> ofOldRoot = Set.copyOf(serials);
            rotation.activate();
            Eventually.holds("every certificate is of the new root", LONG, () -> {
                Set<String> now = serials();
                serials.addAll(now);
                return now.stream().noneMatch(ofOldRoot::contains);
            });
            Eventually.staysSo("old certificates run out", TTL, () -> lasting.isAlive());
            rotation.finish();
            awaitRoots(1, serials);
            over.set(true);
            List<CommandResult> rounds = traffic.join();
            rounds.forEach(CommandResult::expectOk);
            assertTrue(rounds.size() > 5, "traffic went on: " + rounds.size());
            assertTrue(serials.size() >= 9, "three certificates, three times at least: " + serials);
            assertTrue(lasting.isAlive(), lasting.toString());
        }
        assertFalse(lab().agents().stream().anyMatch(agent -> agent.metrics().sum("culvert_bad_peer_total") > 0));
    }

    private static List<CommandResult> traffic(AtomicBoolean over) {
        List<CommandResult> rounds = new ArrayList<>();
        while (!over.get()) {
            rounds.add(WAY.connect(
                    lab(), List.of("--connections", "4", "--repeat", "100", "--quiet"), "both:500", "fin", "eof"));
        }
        return rounds;
    }

    private static Set<String> serials() {
        Set<String> serials = new HashSet<>();
        for (var agent : lab().agents()) {
            for (JsonNode certificate : agent.configDump().path("certificates")) {
                assertEquals("Available", certificate.path("state").asText());
                serials.add(certificate.at("/certChain/0/serialNumber").asText());
            }
        }
        return serials;
    }

    private static void awaitRoots(int count, Set<String> serials) {
        Eventually.holds(count + " roots are trusted", LONG, () -> {
            serials.addAll(serials());
            boolean so = true;
            for (var agent : lab().agents()) {
                for (JsonNode certificate : agent.configDump().path("certificates")) {
                    so &= certificate.path("rootCerts").size() == count;
                }
            }
            return so;
        });
    }
}
