package io.culvert.systemtests.ambient;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.systemtests.lab.Flow;
import io.culvert.systemtests.lab.LogEntry;
import io.culvert.systemtests.lab.MeshYaml;
import io.culvert.systemtests.lab.Observation;
import io.culvert.testkit.CommandResult;
import io.culvert.testkit.Eventually;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The agent's own pod, which is a workload of the mesh too. */
class AgentPodNetnsIT {
    private static final String OWN_ID = "spiffe://cluster.local/ns/istio-system/sa/ztunnel";

    @RegisterExtension
    static final AmbientExtension LAB = AmbientExtension.shared();

    private final AmbientLab lab = LAB.lab();

    private CommandResult get(String from, String... more) {
        List<String> command = new ArrayList<>(List.of("curl", "-sS", "--max-time", "10"));
        command.addAll(Arrays.asList(more));
        command.add("http://" + lab.ip("one") + ":15020/metrics");
        return lab.net().exec(lab.ns(from), command).expectOk();
    }

    @Test
    void metricsOfTheAgent_areReachedThroughItsOwnTunnel_underItsOwnIdentity() {
        lab.mesh(lab.ownPod("one").build());
        Observation since = lab.observe();
        CommandResult answer = get("server", "-w", "%{http_code}");
        assertTrue(answer.out().endsWith("200") && answer.out().contains("istio_build"), answer.out());
        LogEntry inbound = since.onlyConnection("one");
        assertEquals(
                List.of(
                        "inbound",
                        MeshYaml.idOf("server"),
                        OWN_ID,
                        AmbientLab.agentPod("one"),
                        lab.ip("one") + ":15008"),
                List.of(
                        inbound.field("direction"),
                        inbound.field("src.identity"),
                        inbound.field("dst.identity"),
                        inbound.field("dst.workload"),
                        inbound.field("dst.addr")));
        List<Flow> flows = since.flows("one");
        assertEquals(1, flows.size(), flows.toString());
        assertEquals("destination", flows.getFirst().reporter());
        assertEquals(
                new Flow.End(AmbientLab.agentPod("one"), OWN_ID),
                flows.getFirst().to());
        assertEquals(Flow.End.proven("server"), flows.getFirst().from());
    }

    /** Counters move between two looks, so it is the names of the samples that are compared. */
    @Test
    void metrics_areTheSame_whateverEncodingIsAskedFor() {
        lab.mesh();
        for (String encoding : List.of("gzip", "zstd", "br")) {
            // A family may appear between two looks: that of the certificates does a second after the first of them.
            Eventually.passes("the same in " + encoding, Duration.ofSeconds(10), () -> {
                String plain = get("legacy-two").out();
                String asked = get("legacy-two", "--compressed", "-H", "Accept-Encoding: " + encoding)
                        .out();
                assertEquals(names(plain), names(asked));
            });
        }
    }

    private static Set<String> names(String metrics) {
        Set<String> names = new TreeSet<>();
        metrics.lines().forEach(line -> names.add(line.replaceAll("[{ ].*", "")));
        return names;
    }

    private static boolean isOfTheMesh(String line) {
        return line.startsWith("# HELP ") && !line.matches("# HELP (culvert|jvm|process)_.*");
    }

    @Test
    void everyFamilyButTheStableOnes_saysThatItIsUnstable() {
        List<String> stable = List.of(
                "istio_build",
                "istio_tcp_connections_opened",
                "istio_tcp_connections_closed",
                "istio_tcp_received_bytes",
                "istio_tcp_sent_bytes");
        String metrics = get("legacy-two").out();
        assertTrue(metrics.contains("istio_build{"), metrics);
        for (String line : metrics.lines().filter(AgentPodNetnsIT::isOfTheMesh).toList()) {
            String family = line.split(" ", -1)[2];
            assertEquals(!stable.contains(family), line.contains("unstable"), line);
        }
    }
}
