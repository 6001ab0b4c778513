package io.culvert.agent.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.Direction;
import io.culvert.agent.telemetry.DnsLabels;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.agent.telemetry.PeerLabels;
import io.culvert.agent.telemetry.ServiceLabels;
import io.culvert.agent.telemetry.TrafficLabels;
import io.culvert.testkit.Golden;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.zip.GZIPInputStream;
import java.util.zip.InflaterInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class MetricsServerTest {
    private final Metrics metrics = new Metrics("1.30.1", new BuildVersion("0.1", "abc"));
    private final MetricsServer server = start();

    private MetricsServer start() {
        try {
            return new MetricsServer(0, metrics);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @AfterEach
    void stop() {
        server.stop(Duration.ZERO);
    }

    @Test
    void writesOpenMetrics() throws IOException {
        PeerLabels client = new PeerLabels("w", "s", "v", "ns\"\\\n", "spiffe://x", "s", "c", "", "", true);
        TrafficLabels known =
                new TrafficLabels(Direction.OUTBOUND, client, PeerLabels.UNKNOWN, ServiceLabels.UNKNOWN, true);
        metrics.traffic(known);
        metrics.traffic(new TrafficLabels(
                Direction.INBOUND, PeerLabels.UNKNOWN, PeerLabels.UNKNOWN, ServiceLabels.UNKNOWN, false));
        metrics.badPeer(BadPeer.NOT_TLS);
        metrics.configApplied(Instant.ofEpochSecond(1_700_000_000));
        metrics.dnsUpstreamEnded(new DnsLabels("aaaa", "tcp", "web", ""), 2_000_000, true);
        RawHttp.Answer answer = RawHttp.get(server.port(), "/metrics");
        assertEquals(200, answer.status());
        Golden.assertMatches("metrics.txt", answer.text());
    }

    @Test
    void answersOtherMethods_andTheOtherPath() throws IOException {
        assertEquals(200, RawHttp.post(server.port(), "/stats/prometheus").status());
        assertEquals(404, RawHttp.get(server.port(), "/").status());
    }

    @Test
    void compresses_whenAsked() throws IOException {
        RawHttp.Answer answer =
                RawHttp.send(server.port(), "GET /metrics", "Host: x", "Accept-Encoding: br, gzip;q=0.8");
        assertEquals("gzip", answer.header("content-encoding"));
        String text = new String(
                new GZIPInputStream(new ByteArrayInputStream(answer.body())).readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(text.endsWith("# EOF\n"), text);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "deflate|deflate",
                "gzip, deflate, br, zstd|gzip",
                "gzip;q=0.5, deflate|deflate",
                "gzip;q=0.5, identity|identity",
                "*|gzip",
                "*;q=0|identity",
                "br, zstd|identity",
                "''|identity"
            })
    void picksTheCodingThatTheClientLikesBest(String header, String coding) {
        assertEquals(coding, Coding.of(header).word());
    }

    @Test
    void deflates_whenAsked() throws IOException {
        RawHttp.Answer answer = RawHttp.send(server.port(), "GET /metrics", "Host: x", "Accept-Encoding: deflate");
        assertEquals("deflate", answer.header("content-encoding"));
        String text = new String(
                new InflaterInputStream(new ByteArrayInputStream(answer.body())).readAllBytes(),
                StandardCharsets.UTF_8);
        assertTrue(text.endsWith("# EOF\n"), text);
    }

    @Test
    void namesTheFormat_toThoseWhoKnowIt() throws IOException {
        RawHttp.Answer known = RawHttp.send(
                server.port(),
                "GET /metrics",
                "Host: x",
                "Accept: application/openmetrics-text;version=1.0.0;q=0.75,text/plain;q=0.5");
        assertEquals("application/openmetrics-text;charset=utf-8;version=1.0.0", known.header("content-type"));
        assertEquals(
                "text/plain; charset=utf-8",
                RawHttp.get(server.port(), "/metrics").header("content-type"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "gzip|true",
                "br, gzip|true",
                "GZIP;q=1.0|true",
                "gzip;q=0|false",
                "gzip; q=0.000|false",
                "gzip;q=0.1|true",
                "br|false",
                "''|false",
                "xgzip|false"
            })
    void readsAcceptedCodings(String header, boolean gzip) {
        assertEquals(gzip, Coding.of(header) == Coding.GZIP, header);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "5, 5",
        "-3, -3",
        "0.5, 0.5",
        "9007199254740991, 9007199254740991",
        "1e300, 1.0E300",
        "Infinity, +Inf",
        "-Infinity, -Inf",
        "NaN, NaN"
    })
    void spellsNumbers(double value, String text) {
        assertEquals(text, OpenMetricsWriter.number(value));
    }
}
