package io.culvert.systemtests.ambient;

import static io.culvert.systemtests.ambient.Talk.PORT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.systemtests.lab.AgentMetrics;
import io.culvert.systemtests.lab.LogEntry;
import io.culvert.systemtests.lab.Observation;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.NetProbe;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Servers outside the mesh that go away without a word. */
class LostPeerNetnsIT {
    private static final Duration PATIENCE = Duration.ofSeconds(15);

    @RegisterExtension
    static final AmbientExtension LAB = AmbientExtension.own(AmbientLab.builder()
            .pod("client", "one")
            .legacyPod("legacy-two", "two")
            .environment("KEEPALIVE_TIME", "1s")
            .environment("KEEPALIVE_INTERVAL", "1s")
            .environment("KEEPALIVE_RETRIES", "2"));

    private final AmbientLab lab = LAB.lab();
    private final Talk talk = new Talk(lab);

    @Test
    void serverThatFallsSilent_isAFailure_withTheSystemsError() {
        lab.mesh(lab.workload("legacy-two").build());
        Observation since = lab.observe();
        AgentMetrics before = lab.agent("one").metrics();
        try (LabProcess serving = talk.echo("legacy-two", PORT);
                LabProcess open = NetProbe.spawnConnect(
                        lab.net(),
                        lab.ns("client"),
                        lab.ns("legacy-two").ipv4(),
                        PORT,
                        List.of(),
                        "both:5000",
                        "eof")) {
            Eventually.passes("it is open", PATIENCE, () -> assertEquals(1, opened(before)));
            lab.net()
                    .exec(
                            lab.ns("legacy-two"),
                            "iptables",
                            "-A",
                            "INPUT",
                            "-p",
                            "tcp",
                            "--dport",
                            Integer.toString(PORT),
                            "-j",
                            "DROP")
                    .expectOk();
            open.await(PATIENCE);
            serving.stop();
        }
        LogEntry entry = since.onlyConnection("one");
        assertEquals("error", entry.field("level"));
        assertTrue(
                entry.field("error").startsWith("connection lost: on the side that was dialled, ETIMEDOUT"),
                entry.field("error"));
        assertEquals(1, ended(before));
    }

    private long opened(AgentMetrics before) {
        String name = "istio_tcp_connections_opened_total";
        return Math.round(lab.agent("one").metrics().sum(name) - before.sum(name));
    }

    private long ended(AgentMetrics before) {
        String name = "istio_tcp_connections_failed_total";
        return Math.round(lab.agent("one").metrics().sum(name, "response_flags", "CONNECT")
                - before.sum(name, "response_flags", "CONNECT"));
    }
}
