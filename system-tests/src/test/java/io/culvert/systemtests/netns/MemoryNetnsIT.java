package io.culvert.systemtests.netns;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.telemetry.CloseReason;
import io.culvert.systemtests.lab.AgentMetrics;
import io.culvert.systemtests.lab.AgentProcess;
import io.culvert.systemtests.lab.MeshLab;
import io.culvert.systemtests.lab.MeshLabExtension;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.NetProbe;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Agents with very little memory for bytes that wait, and peers who do not read. */
class MemoryNetnsIT {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int DIRECT_BYTES_MAX = 16 << 20;
    private static final int UNREAD_DOWNLOADS = 1_500;
    private static final int DOWNLOAD_BYTES = 20_000_000;
    private static final int UNREAD_PORT = 7_000;
    private static final int PORT = 7_001;

    @RegisterExtension
    static final MeshLabExtension LAB = new MeshLabExtension(MeshLab.builder()
            .pod("client", "one")
            .pod("server", "two")
            .pod("hungry", "two")
            .legacyPod("legacy", "two")
            // What a stream may have in flight has to fit into a pod's share.
            .flags("--http2-stream-window-size=65535", "--http2-connection-window-size=262144")
            // After the launcher's own flags, which it overrides.
            .environment("_JAVA_OPTIONS", "-XX:MaxDirectMemorySize=" + DIRECT_BYTES_MAX));

    /** More than there is memory for, from outside the mesh to one pod: that pod's trouble, and no other's. */
    @Test
    void unreadDownloadsOfOnePod_disturbNoOther() {
        MeshLab lab = LAB.lab();
        lab.agents().forEach(agent -> agent.allowTrouble("Picked up _JAVA_OPTIONS"));
        AgentProcess agent = lab.agent("two");
        try (LabProcess _ = NetProbe.serve(lab.net(), lab.ns("hungry"), UNREAD_PORT, "send:100000000000");
                LabProcess _ =
                        NetProbe.serve(lab.net(), lab.ns("server"), PORT, List.of(), "send:" + DOWNLOAD_BYTES, "eof");
                LabProcess _ = NetProbe.spawnConnect(
                        lab.net(),
                        lab.ns("legacy"),
                        lab.ns("hungry").ipv4(),
                        UNREAD_PORT,
                        List.of("--connections", "" + UNREAD_DOWNLOADS, "--quiet"),
                        "sleep:600000")) {
            Eventually.holds("all downloads have begun", PATIENCE, () -> open(agent) >= UNREAD_DOWNLOADS);
            for (int i = 0; i < 5; i++) {
                NetProbe.connect(
                                lab.net(),
                                lab.ns("client"),
                                lab.ns("server").ipv4(),
                                PORT,
                                List.of("--connections", "4", "--quiet"),
                                "recv:" + DOWNLOAD_BYTES,
                                "fin",
                                "eof")
                        .expectOk();
            }
            assertEquals(0, agent.metrics().ended(CloseReason.LIMIT_REACHED.label()), "connections reset");
            assertTrue(direct(agent) <= DIRECT_BYTES_MAX, () -> direct(agent) + " bytes");
            assertTrue(direct(agent) > DIRECT_BYTES_MAX / 8.0, () -> direct(agent) + " bytes: nothing waited");
        }
        Eventually.holds("unused memory is given back", PATIENCE, () -> direct(agent) < DIRECT_BYTES_MAX / 6.0);
    }

    private static double open(AgentProcess agent) {
        AgentMetrics metrics = agent.metrics();
        return metrics.sum("istio_tcp_connections_opened_total") - metrics.sum("istio_tcp_connections_closed_total");
    }

    private static double direct(AgentProcess agent) {
        return agent.metrics().sum("jvm_buffer_pool_used_bytes", "pool", "direct");
    }
}
