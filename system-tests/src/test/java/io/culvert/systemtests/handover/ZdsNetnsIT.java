package io.culvert.systemtests.handover;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.culvert.cni.redirect.RedirectApplier;
import io.culvert.cni.redirect.RedirectException;
import io.culvert.cni.redirect.RedirectSpec;
import io.culvert.shim.FdChannel;
import io.culvert.systemtests.lab.Flow;
import io.culvert.systemtests.lab.MeshLab;
import io.culvert.systemtests.lab.Observation;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.FdCensus;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.NetProbe;
import io.culvert.testkit.Netns;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Node one's pods are handed over by somebody else, who also writes their redirect rules; node two names its own. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ZdsNetnsIT {
    private static final Duration SOON = Duration.ofSeconds(15);
    private static final int PORT = 7000;

    private final Path socket;
    private final FdChannel listener;
    private final MeshLab lab = MeshLab.builder()
            .pod("client", "one")
            .pod("other", "one")
            .pod("server", "two")
            .withoutAgents()
            .start();
    private FakeCni cni;

    ZdsNetnsIT(@TempDir Path directory) {
        socket = directory.resolve("zds.sock");
        listener = FakeCni.listen(socket);
        lab.startAgent("two");
        cni = startProxy();
        lab.awaitServing("two");
    }

    private FakeCni startProxy() {
        lab.startAgent("one", Map.of("CULVERT_ROLE", "proxy", "INPOD_UDS", socket.toString()));
        return FakeCni.accept(listener);
    }

    @BeforeEach
    void connect() {
        if (!lab.hasAgent("one")) {
            cni = startProxy();
        }
    }

    @AfterEach
    void stopProxy() {
        if (lab.hasAgent("one")) {
            lab.agent("one").allowTrouble("node agent closed the connection|was lost|handed over yet");
            lab.stopAgent("one");
        }
        cni.close();
        assertEquals(List.of(), lab.agent("two").trouble());
    }

    @AfterAll
    void close() {
        lab.close();
        listener.close();
    }

    private Netns client() {
        return lab.ns("client");
    }

    private void handOverAll() {
        assertEquals("", cni.add(client()));
        assertEquals("", cni.add(lab.ns("other")));
        assertEquals("", cni.snapshotSent());
        lab.awaitServing("one");
    }

    private static void capture(Netns pod) {
        try {
            RedirectApplier.detect().apply(pod.path(), RedirectSpec.standard());
        } catch (RedirectException e) {
            throw new AssertionError(e);
        }
    }

    private void expectTunnelled() {
        try (LabProcess serving = NetProbe.serve(lab.net(), lab.ns("server"), PORT, "echo")) {
            Observation since = lab.observe();
            NetProbe.connect(lab.net(), client(), lab.ns("server").ipv4(), PORT, "both:1000", "fin", "eof")
                    .expectOk();
            since.expectFlows("one", Flow.mutual("source", "client", "server", 1, 1000, 1000));
            since.expectFlows("two", Flow.mutual("destination", "client", "server", 1, 1000, 1000));
            serving.stop().expectOk();
        }
    }

    private boolean ready() {
        return lab.net()
                        .exec(lab.ns("one"), "curl", "-sf", "--max-time", "5", "http://127.0.0.1:15021/healthz/ready")
                        .exit()
                == 0;
    }

    private List<String> listening(Netns pod) {
        return lab.net()
                .exec(pod, "ss", "-Hltun")
                .expectOk()
                .out()
                .lines()
                .map(line -> line.replaceAll("\\s+", " ").split(" ", -1)[4].replaceAll(".*:", ""))
                .distinct()
                .sorted()
                .toList();
    }

    @Test
    void handedOverPod_isServed_underSomebodyElsesRules() {
        String before = lab.rules(client());
        handOverAll();
        assertEquals(before, lab.rules(client()));
        assertEquals(List.of("15001", "15006", "15008", "15053"), listening(client()));
        capture(client());
        expectTunnelled();
        JsonNode dump = lab.agent("one").configDump().at("/workloadState").path(FakeCni.uid(client()));
        assertEquals("Up", dump.path("state").asText(), dump.toString());
        assertEquals("client", dump.at("/info/serviceAccount").asText());
    }

    @Test
    void deletedPod_isCutOffAtOnce_andItsNamespaceLetGo() throws IOException {
        handOverAll();
        capture(client());
        try (LabProcess serving = NetProbe.serve(lab.net(), lab.ns("server"), PORT, "echo");
                LabProcess open = NetProbe.spawnConnect(
                        lab.net(), client(), lab.ns("server").ipv4(), PORT, List.of(), "both:100", "reset")) {
            Observation since = lab.observe();
            Eventually.holds(
                    "it has its answer",
                    SOON,
                    () -> lab.agent("one").metrics().sum("istio_tcp_sent_bytes_total") == 100);
            assertEquals("", cni.delete(client()));
            open.await(SOON).expectOk();
            Eventually.holds("told why", SOON, () -> since.ended("one", "pod_removed") == 1);
            serving.stop();
        }
        assertEquals(List.of(), listening(client()));
        assertTrue(lab.rules(client()).contains("15001"), "the rules are somebody else's");
        assertEquals("", cni.delete(client()));
    }

    @Test
    void podThatComesAndGoesOften_leavesNothingBehind() {
        handOverAll();
        FdCensus before = FdCensus.of(lab.agent("one").pid());
        for (int i = 0; i < 10; i++) {
            assertEquals("", cni.delete(client()));
            assertEquals("", cni.add(client()));
            assertEquals("", cni.add(client()));
        }
        Eventually.passes(
                "descriptors come back",
                SOON,
                () -> assertEquals(Map.of(), FdCensus.of(lab.agent("one").pid()).since(before)));
    }

    @Test
    void podWhosePortIsTaken_isServedLater() {
        LabProcess squatter = NetProbe.serve(lab.net(), client(), 15_008, "echo");
        lab.agent("one").allowTrouble("is not served yet");
        assertTrue(cni.add(client()).contains("EADDRINUSE"));
        assertEquals("", cni.add(lab.ns("other")));
        assertEquals("", cni.snapshotSent());
        Eventually.staysSo("it is not ready", Duration.ofSeconds(2), () -> !ready());
        squatter.stop();
        lab.awaitServing("one");
    }

    @Test
    void podsAreServed_whileNobodyHandsOver_andComparedAfterwards() {
        handOverAll();
        capture(client());
        cni.lose();
        Eventually.holds("it is not ready", SOON, () -> !ready());
        expectTunnelled();
        cni.takeBack();
        assertEquals("", cni.keep(client()));
        assertEquals("", cni.snapshotSent());
        Eventually.holds("it is ready", SOON, this::ready);
        expectTunnelled();
        assertEquals(List.of(), listening(lab.ns("other")));
        assertEquals("", cni.add(lab.ns("other")));
        lab.awaitServing("one");
    }

    @Test
    void agent_endsItself_whenTheTwoDoNotUnderstandEachOther() {
        handOverAll();
        assertTrue(cni.snapshotSent().contains("twice"));
        lab.agent("one").allowTrouble("twice");
        assertEquals(1, lab.agent("one").awaitEnd(SOON).exit());
        lab.forgetAgent("one");
    }
}
