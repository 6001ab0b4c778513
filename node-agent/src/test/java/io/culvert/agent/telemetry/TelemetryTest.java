package io.culvert.agent.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.config.LogConfig;
import io.culvert.agent.config.LogFilter;
import io.culvert.agent.telemetry.log.Logging;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.testkit.FakeTicker;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

@Isolated("logging belongs to the process")
class TelemetryTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final Logging logging =
            Logging.install(new LogConfig(LogFilter.parse("info"), LogConfig.Format.PLAIN), out);
    private final FakeTicker clock = new FakeTicker();
    private final Metrics metrics = new Metrics("unknown", new BuildVersion("0", "0"));
    private final Telemetry telemetry = new Telemetry(metrics, clock::nanoTime);

    @AfterEach
    void giveLoggingBack() {
        logging.close();
    }

    private List<String> lines() {
        logging.flush();
        return out.toString(StandardCharsets.UTF_8)
                .lines()
                .map(line -> line.substring(line.indexOf('\t') + 1))
                .toList();
    }

    private double counted(Metric metric) {
        MetricSnapshot snapshot = metrics.collect().get(metric);
        return snapshot == null
                ? 0
                : snapshot.getDataPoints().stream()
                        .mapToDouble(sample -> ((CounterDataPointSnapshot) sample).getValue())
                        .sum();
    }

    @Test
    void tellsTheApplicationsUpload_asSent_whenOutbound() {
        ConnectionRecord connection = telemetry.open(Samples.tunnelled(Direction.OUTBOUND));
        connection.received(100);
        connection.received(11);
        connection.sent(7);
        clock.advance(Duration.ofMillis(42));
        assertTrue(connection.close(CloseReason.NORMAL, null));
        assertEquals(
                List.of("info\taccess\tconnection complete\tsrc.addr=10.0.1.2:40000 src.workload=\"client-7d9-x\""
                        + " src.namespace=\"shop\" src.identity=\"spiffe://cluster.local/ns/shop/sa/client\""
                        + " src.cluster=\"c1\" dst.addr=10.0.2.3:15008 dst.hbone_addr=10.0.2.3:80"
                        + " dst.service=\"server.shop.svc.cluster.local\" dst.workload=\"server-5c4-y\""
                        + " dst.namespace=\"shop\" dst.identity=\"spiffe://cluster.local/ns/shop/sa/server\""
                        + " dst.cluster=\"c1\" direction=\"outbound\" bytes_sent=111 bytes_recv=7 duration=\"42ms\""),
                lines());
        assertEquals(111, counted(Metric.TCP_RECEIVED_BYTES));
        assertEquals(7, counted(Metric.TCP_SENT_BYTES));
        assertEquals(1, counted(Metric.TCP_CONNECTIONS_OPENED));
        assertEquals(1, counted(Metric.TCP_CONNECTIONS_CLOSED));
        assertEquals(0, counted(Metric.TCP_CONNECTIONS_FAILED));
        assertEquals(1, counted(Metric.CONNECTIONS_ENDED));
    }

    @Test
    void tellsTheApplicationsAnswer_asSent_whenInbound() {
        ConnectionRecord connection = telemetry.open(Samples.plaintext());
        connection.received(100);
        connection.sent(7);
        connection.close(CloseReason.POLICY_DENIED, "shop/allow-client");
        assertEquals(
                List.of("error\taccess\tconnection complete\tsrc.addr=[fd00::1]:50000 dst.addr=10.0.2.3:80"
                        + " dst.workload=\"server-5c4-y\" dst.namespace=\"shop\" dst.cluster=\"c1\""
                        + " direction=\"inbound\" bytes_sent=7 bytes_recv=100 duration=\"0ms\""
                        + " error=\"denied by policy: shop/allow-client\""),
                lines());
        assertEquals(1, counted(Metric.TCP_CONNECTIONS_FAILED));
    }

    /** Applications may do so; whoever watches failures is not to be woken. */
    @Test
    void tellsResetsOfApplications_asNoFailures() {
        for (CloseReason reason : List.of(CloseReason.RESET_BY_APPLICATION, CloseReason.RESET_BY_PEER)) {
            telemetry.open(Samples.plaintext()).close(reason, null);
        }
        assertEquals(0, counted(Metric.TCP_CONNECTIONS_FAILED));
        assertEquals(2, counted(Metric.TCP_CONNECTIONS_CLOSED));
        assertTrue(lines().stream().allMatch(line -> line.startsWith("info\t")), lines()::toString);
        assertTrue(lines().getFirst().endsWith("reset=\"reset by the application\""), lines()::toString);
        assertTrue(lines().getLast().endsWith("reset=\"reset by the peer\""), lines()::toString);
    }

    private double failed(ResponseFlag flag) {
        MetricSnapshot snapshot = metrics.collect().get(Metric.TCP_CONNECTIONS_FAILED);
        return snapshot == null
                ? 0
                : snapshot.getDataPoints().stream()
                        .filter(sample -> flag.label().equals(sample.getLabels().get("response_flags")))
                        .mapToDouble(sample -> ((CounterDataPointSnapshot) sample).getValue())
                        .sum();
    }

    @Test
    void flagsFailuresOfHttp2_byWhetherTheConnectionWasOpen() {
        for (CloseReason reason : List.of(CloseReason.H2_FAILED, CloseReason.STREAM_RESET, CloseReason.TUNNEL_LOST)) {
            telemetry.open(Samples.tunnelled(Direction.OUTBOUND)).close(reason, null);
        }
        assertEquals(3, failed(ResponseFlag.H2_HANDSHAKE_FAILURE));
        assertEquals(0, failed(ResponseFlag.CONNECT));
        ConnectionRecord open = telemetry.open(Samples.tunnelled(Direction.OUTBOUND));
        open.established();
        open.close(CloseReason.TUNNEL_LOST, null);
        assertEquals(1, failed(ResponseFlag.CONNECT));
        assertEquals(3, failed(ResponseFlag.H2_HANDSHAKE_FAILURE));
    }

    @Test
    void closesOnce() {
        ConnectionRecord connection = telemetry.open(Samples.plaintext());
        assertFalse(connection.isClosed());
        assertTrue(connection.close(CloseReason.DRAIN_DEADLINE, null));
        assertFalse(connection.close(CloseReason.BUG, "late"));
        assertTrue(connection.isClosed());
        assertEquals(1, counted(Metric.TCP_CONNECTIONS_CLOSED));
        assertEquals(0, counted(Metric.TCP_CONNECTIONS_FAILED));
        assertEquals(1, lines().size());
        assertTrue(lines().getFirst().endsWith("error=\"drain deadline\""), lines().getFirst());
    }

    @Test
    void tellsOfRefusals_withoutARecord() {
        IpPort own = new IpPort(IpAddress.V4_LOOPBACK, 15_001);
        telemetry.refused(Direction.OUTBOUND, Samples.CLIENT_SOCKET, own, CloseReason.SELF_CALL, null);
        assertEquals(
                List.of("warn\taccess\tconnection failed\tsrc.addr=10.0.1.2:40000 dst.addr=127.0.0.1:15001"
                        + " direction=\"outbound\" error=\"destination is the agent's own port\""),
                lines());
        assertEquals(0, counted(Metric.TCP_CONNECTIONS_OPENED));
        assertEquals(1, counted(Metric.CONNECTIONS_ENDED));
    }

    @Test
    void tellsOfOpening_onlyWhenAsked() {
        telemetry.open(Samples.plaintext()).close(CloseReason.NORMAL, null);
        logging.filter(LogFilter.parse("warn,access=debug"));
        telemetry.open(Samples.plaintext()).close(CloseReason.NORMAL, null);
        logging.filter(LogFilter.parse("info,access=off"));
        telemetry.open(Samples.plaintext()).close(CloseReason.BUG, null);
        List<String> messages =
                lines().stream().map(line -> line.split("\t")[2]).toList();
        assertEquals(List.of("connection complete", "connection opened", "connection complete"), messages);
    }
}
