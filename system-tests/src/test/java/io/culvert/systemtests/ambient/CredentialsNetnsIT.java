package io.culvert.systemtests.ambient;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.culvert.agent.certs.TestCa;
import io.culvert.agent.fakeplane.FakeAuthority;
import io.culvert.testkit.CommandResult;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.NetProbe;
import io.grpc.Metadata;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What agents prove themselves with, and whom they trust, is exchanged while they run. */
class CredentialsNetnsIT {
    private static final Duration SOON = Duration.ofSeconds(40);
    private static final int PORT = 7000;

    @RegisterExtension
    static final AmbientExtension LAB = AmbientExtension.own(
            AmbientLab.builder().pod("client", "one").pod("server", "two").environment("SECRET_TTL", "10s"));

    private final AmbientLab lab = LAB.lab();

    private Set<String> tokensSince(int calls) {
        Metadata.Key<String> key = Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
        Set<String> tokens = new TreeSet<>();
        List<Metadata> all = lab.plane().calls();
        all.subList(calls, all.size()).forEach(call -> tokens.add(String.valueOf(call.get(key))));
        return tokens;
    }

    private static void replace(Path file, String text) throws IOException {
        Path next = Files.writeString(file.resolveSibling("next"), text);
        Files.move(next, file, StandardCopyOption.REPLACE_EXISTING);
    }

    private int requests() {
        return lab.authority().requests().size();
    }

    private void awaitRequests(int more) {
        int before = requests();
        Eventually.holds("certificates are renewed", SOON, () -> requests() >= before + more);
    }

    private CommandResult connect() {
        return NetProbe.connect(lab.net(), lab.ns("client"), lab.ns("server").ipv4(), PORT, "both:100", "fin", "eof");
    }

    @Test
    void renewedToken_isShownToAuthorityAndDiscovery() throws IOException {
        replace(lab.folder("one").resolve("var/run/secrets/tokens/istio-token"), "renewed-token-of-one\n");
        int authority = lab.plane().calls().size();
        Eventually.holds(
                "the authority sees it", SOON, () -> tokensSince(authority).contains("Bearer renewed-token-of-one"));
        int discovery = lab.plane().calls().size();
        long streams = lab.discovery().streamsOpened();
        lab.agents().forEach(agent -> agent.allowTrouble("the stream of the control plane"));
        lab.discovery().endStreams(Status.UNAVAILABLE);
        Eventually.holds("both are back", SOON, () -> lab.discovery().streamsOpened() == streams + 2);
        assertTrue(!tokensSince(discovery).contains("Bearer token-of-one"), "nobody shows the old one");
    }

    @Test
    void serversRoots_areFollowed() throws IOException {
        lab.agents().forEach(agent -> agent.allowTrouble("no certificate for|cannot be reached|stream of the control"));
        String own = lab.plane().rootPem();
        String foreign = FakeAuthority.pem(TestCa.root("another").root());
        Path file = lab.folder("one").resolveSibling("root-cert.pem");
        replace(file, foreign);
        Eventually.passes("nobody asks an authority that is not trusted", SOON, () -> {
            int before = requests();
            Eventually.staysSo("no request", Duration.ofSeconds(6), () -> requests() == before);
        });
        replace(file, foreign + own);
        awaitRequests(2);
        try (LabProcess serving = NetProbe.serve(lab.net(), lab.ns("server"), PORT, "echo")) {
            Eventually.holds("it goes on", SOON, () -> connect().exit() == 0);
            serving.stop();
        }
    }

    private double failures() {
        return lab.agents().stream()
                .mapToDouble(agent ->
                        agent.metrics().sum("istio_xds_connection_terminations_total", "reason", "ConnectionError"))
                .sum();
    }

    @Test
    void discoverysRoots_areReadWithEachConnection() throws IOException {
        lab.agents().forEach(agent -> agent.allowTrouble("no certificate for|cannot be reached|stream of the control"));
        String own = lab.plane().rootPem();
        String foreign = FakeAuthority.pem(TestCa.root("another").root());
        Path file = lab.folder("one").resolveSibling("root-cert.pem");
        long streams = lab.discovery().streamsOpened();
        double failures = failures();
        replace(file, foreign);
        lab.mesh();
        assertEquals(streams, lab.discovery().streamsOpened(), "what is open goes on");
        lab.discovery().endStreams(Status.UNAVAILABLE);
        Eventually.holds("nobody talks to a server that is not trusted", SOON, () -> failures() >= failures + 4);
        assertEquals(streams, lab.discovery().streamsOpened());
        replace(file, foreign + own);
        Eventually.holds("both are back", SOON, () -> lab.discovery().streamsOpened() == streams + 2);
        lab.mesh();
    }

    private void awaitRoots(int count) {
        Eventually.passes(count + " roots are trusted", SOON, () -> {
            for (var agent : lab.agents()) {
                for (JsonNode certificate : agent.configDump().path("certificates")) {
                    assertEquals(count, certificate.path("rootCerts").size(), certificate.toString());
                }
            }
        });
    }

    @Test
    void meshsRoots_areExchanged_andNoConnectionFails() {
        TestCa old = lab.authority().root();
        TestCa fresh = TestCa.root("the mesh's next root");
        try (LabProcess _ = NetProbe.serve(
                        lab.net(), lab.ns("server"), PORT, List.of("--quiet", "--timeout-ms", "120000"), "echo");
                LabProcess lasting = NetProbe.spawnConnect(
                        lab.net(),
                        lab.ns("client"),
                        lab.ns("server").ipv4(),
                        PORT,
                        List.of("--timeout-ms", "120000"),
                        "both:1000",
                        "hear:never")) {
            lab.authority().trust(old, fresh);
            awaitRoots(2);
            connect().expectOk();
            lab.authority().signBelow(fresh);
            // While one end has its certificate from the new root and the other from the old, both trust either.
            for (int i = 0; i < 10; i++) {
                connect().expectOk();
            }
            awaitRequests(4);
            lab.authority().trust(fresh);
            awaitRoots(1);
            connect().expectOk();
            assertTrue(lasting.isAlive(), lasting.toString());
        } finally {
            lab.authority().trust(old, fresh);
            awaitRoots(2);
        }
    }
}
