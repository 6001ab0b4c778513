package io.culvert.systemtests.badinput;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.culvert.systemtests.lab.MeshLab;
import io.culvert.systemtests.lab.MeshYaml;
import io.culvert.systemtests.lab.Observation;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.NetProbe;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** A peer's certificate is taken back while its tunnel is open: a change of the file alone cuts it off, on either side. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RevocationNetnsIT {
    private static final Duration SOON = Duration.ofSeconds(20);
    private static final int PORT = 7000;
    private static final String REJECTIONS = "istio_crl_policy_rejections_total";

    private final Path folder;
    private final Path file;
    private final MeshLab lab;

    RevocationNetnsIT(@TempDir Path folder) {
        this.folder = folder;
        file = folder.resolve("ca-crl.pem");
        lab = MeshLab.builder()
                .pod("client", "one")
                .pod("server", "two")
                .flags("--crl=" + file)
                .start();
    }

    @AfterAll
    void close() {
        lab.close();
    }

    private void revoke(BigInteger... serials) throws IOException {
        Path next = Files.writeString(
                folder.resolve("next"), TestCa.ofDirectory(lab.caFolder()).revoked(serials));
        Files.move(next, file, StandardCopyOption.REPLACE_EXISTING);
    }

    private BigInteger serial(String node, String pod) {
        for (JsonNode each : lab.agent(node).configDump().path("certificates")) {
            if (each.path("identity").asText().equals(MeshYaml.idOf(pod))) {
                return new BigInteger(each.at("/certChain/0/serialNumber").asText());
            }
        }
        throw new AssertionError("no certificate of " + pod);
    }

    private LabProcess lasting() {
        return NetProbe.spawnConnect(
                lab.net(),
                lab.ns("client"),
                lab.ns("server").ipv4(),
                PORT,
                List.of("--timeout-ms", "60000"),
                "both:100",
                "reset");
    }

    private boolean connects() {
        return NetProbe.connect(lab.net(), lab.ns("client"), lab.ns("server").ipv4(), PORT, "both:10", "fin", "eof")
                        .exit()
                == 0;
    }

    private void cutsOff(String revokedNode, String pod, String node, String reporter) throws IOException {
        Observation since = lab.observe();
        double before = lab.agent(node).metrics().sum(REJECTIONS, "reporter", reporter);
        try (LabProcess open = lasting()) {
            Eventually.holds("it is open", SOON, () -> !since.flows("two").isEmpty());
            Eventually.staysSo("it stays open", Duration.ofSeconds(1), open::isAlive);
            revoke(serial(revokedNode, pod));
            open.await(SOON).expectOk();
        }
        Eventually.holds("told why", SOON, () -> since.ended(node, "certificate_revoked") >= 1);
        assertEquals(before + 1, lab.agent(node).metrics().sum(REJECTIONS, "reporter", reporter));
        assertTrue(!connects(), "nor is it let in again");
        assertTrue(lab.agent(node).metrics().sum("istio_tcp_connections_closed_total", "response_flags", "CERT_REVOKED")
                >= 1);
        revoke();
        Eventually.holds("it is let in again", SOON, this::connects);
    }

    @Test
    void revocationCutsOffOpenTunnels_ofServersAndOfClients() throws IOException {
        lab.agents().forEach(agent -> agent.allowTrouble("revoked"));
        try (LabProcess _ = NetProbe.serve(
                lab.net(), lab.ns("server"), PORT, List.of("--quiet", "--timeout-ms", "120000"), "echo")) {
            assertTrue(connects());
            cutsOff("two", "server", "one", "source");
            cutsOff("one", "client", "two", "destination");
        }
    }
}
