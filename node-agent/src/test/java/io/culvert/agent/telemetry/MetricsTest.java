package io.culvert.agent.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.base.LoopGroup;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.workload.NamespacedName;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.DataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class MetricsTest {
    private final Metrics metrics = new Metrics("1.2.3", new BuildVersion("0.1", "abc"));

    private double value(Metric metric, String... labelsAndValues) {
        @Nullable MetricSnapshot snapshot = metrics.collect().get(metric);
        if (snapshot == null) {
            throw new AssertionError("no samples of " + metric);
        }
        for (DataPointSnapshot sample : snapshot.getDataPoints()) {
            boolean matches = true;
            for (int i = 0; i < labelsAndValues.length; i += 2) {
                matches &= labelsAndValues[i + 1].equals(sample.getLabels().get(labelsAndValues[i]));
            }
            if (matches) {
                return sample instanceof CounterDataPointSnapshot counter
                        ? counter.getValue()
                        : ((GaugeDataPointSnapshot) sample).getValue();
            }
        }
        throw new AssertionError("no such sample of " + metric);
    }

    @Test
    void givesEqualLabels_theSameCounters() {
        TrafficLabels labels = Samples.tunnelled(Direction.INBOUND).labels();
        assertSame(
                metrics.traffic(labels),
                metrics.traffic(Samples.tunnelled(Direction.INBOUND).labels()));
        assertNotSame(
                metrics.traffic(labels),
                metrics.traffic(Samples.tunnelled(Direction.OUTBOUND).labels()));
    }

    @Test
    void countsHostnamesUnderUnknown_onceThereAreTooMany() {
        for (int i = 0; i < BoundedCounter.SERIES_MAX + 3; i++) {
            metrics.onDemandDns(PeerLabels.UNKNOWN, i + ".example");
        }
        metrics.onDemandDns(PeerLabels.UNKNOWN, "0.example");
        assertEquals(2, value(Metric.ON_DEMAND_DNS, "hostname", "0.example"));
        assertEquals(3, value(Metric.ON_DEMAND_DNS, "hostname", "unknown"));
    }

    @Test
    void countsUnderUnknown_onceThereAreTooManySeries() {
        for (int i = 0; i < Metrics.TRAFFIC_SERIES_MAX; i++) {
            metrics.traffic(hostile(i));
        }
        ConnectionCounters first = metrics.traffic(hostile(0));
        ConnectionCounters beyond = metrics.traffic(hostile(Metrics.TRAFFIC_SERIES_MAX));
        assertSame(beyond, metrics.traffic(hostile(Metrics.TRAFFIC_SERIES_MAX + 1)));
        assertNotSame(first, beyond);
        assertEquals(2, value(Metric.SERIES_OVERFLOW));
        beyond.received(5);
        assertEquals(5, value(Metric.TCP_RECEIVED_BYTES, "source_workload", "unknown", "reporter", "destination"));
    }

    private static TrafficLabels hostile(int i) {
        PeerLabels peer = new PeerLabels("w" + i, "", "", "", "", "", "", "", "", true);
        return new TrafficLabels(Direction.INBOUND, peer, PeerLabels.UNKNOWN, ServiceLabels.UNKNOWN, true);
    }

    @Test
    void tellWhatHappens() {
        metrics.socketOpened(Direction.INBOUND);
        metrics.socketOpened(Direction.INBOUND);
        metrics.socketClosed(Direction.INBOUND);
        metrics.badPeer(BadPeer.NOT_TLS);
        metrics.tunnelOpened(TunnelRole.SERVER);
        metrics.tunnelOpened(TunnelRole.CLIENT);
        metrics.tunnelClosed(TunnelRole.CLIENT);
        metrics.proxies(3, 1);
        metrics.proxyStarted();
        metrics.proxyStopped();
        metrics.rulesDamaged();
        metrics.rulesLookedAt(true);
        metrics.rulesLookedAt(true);
        metrics.rulesLookedAt(false);
        metrics.configApplied(Instant.ofEpochSecond(1_000));
        metrics.configRefused();
        metrics.certificates(CertificateState.AVAILABLE, 4);
        metrics.earliestCertificateExpiry(Instant.ofEpochSecond(2_000));
        assertEquals(1, value(Metric.TCP_SOCKETS_OPEN, "reporter", "destination"));
        assertEquals(0, value(Metric.TCP_SOCKETS_OPEN, "reporter", "source"));
        assertEquals(1, value(Metric.BAD_PEERS, "kind", "not_tls"));
        assertEquals(0, value(Metric.BAD_PEERS, "kind", "http2_flood"));
        assertEquals(1, value(Metric.TUNNELS, "role", "server"));
        assertEquals(0, value(Metric.TUNNELS, "role", "client"));
        assertEquals(3, value(Metric.PROXIES_ACTIVE));
        assertEquals(1, value(Metric.PROXIES_PENDING));
        assertEquals(1, value(Metric.PROXIES_STARTED));
        assertEquals(1, value(Metric.PROXIES_STOPPED));
        assertEquals(1, value(Metric.RULES_DAMAGED));
        assertEquals(2, value(Metric.RULES_LOOKED_AT, "reason", "change"));
        assertEquals(1, value(Metric.RULES_LOOKED_AT, "reason", "turn"));
        assertEquals(1, value(Metric.CONFIG_RELOADS, "result", "applied"));
        assertEquals(1, value(Metric.CONFIG_RELOADS, "result", "refused"));
        assertEquals(1_000, value(Metric.CONFIG_LAST_APPLIED));
        assertEquals(4, value(Metric.CERTIFICATES, "state", "available"));
        assertEquals(2_000, value(Metric.CERTIFICATE_EXPIRY));
        assertEquals(1, value(Metric.BUILD, "component", "ztunnel", "tag", "1.2.3"));
        assertEquals(1, value(Metric.VERSION, "version", "0.1", "revision", "abc"));
    }

    @Test
    void tellOfTheProcess() {
        ProcessMetrics.addTo(metrics, () -> 7);
        assertEquals(7, value(Metric.LOG_LINES_DROPPED));
        assertTrue(value(Metric.OPEN_FDS) > 0);
        assertTrue(value(Metric.MAX_FDS) >= value(Metric.OPEN_FDS));
        assertTrue(value(Metric.RESIDENT_MEMORY) > 1 << 20);
        assertTrue(value(Metric.CPU_SECONDS) > 0);
        assertTrue(value(Metric.JVM_MEMORY_USED, "area", "heap") > 0);
        assertTrue(value(Metric.JVM_BUFFERS_USED, "pool", "direct") >= 0);
    }

    @Test
    void tellOfTheLoops() {
        LoopGroup loops = LoopGroup.start(2, 1 << 20);
        try {
            LoopMetrics.addTo(metrics, loops);
            assertEquals(2, value(Metric.LOOPS));
            assertTrue(value(Metric.LOOP_BUSY, "loop", "1") > 0);
            assertTrue(value(Metric.LOOP_PENDING_TASKS, "loop", "0") >= 0);
            assertTrue(value(Metric.JVM_THREADS) > 2);
        } finally {
            assertTrue(loops.shutdown().awaitUninterruptibly(10, TimeUnit.SECONDS));
        }
    }

    @Test
    void everyMetricIsKept_onceProcessAndLoopsAreAdded() {
        ProcessMetrics.addTo(metrics, () -> 0);
        LoopGroup loops = LoopGroup.start(1, 1 << 20);
        LoopMetrics.addTo(metrics, loops);
        ConnectionCounters counters = metrics.traffic(Samples.plaintext().labels());
        counters.closed(CloseReason.CONNECT_FAILED, true);
        metrics.earliestCertificateExpiry(Instant.EPOCH);
        metrics.configApplied(Instant.EPOCH);
        metrics.onDemandDns(PeerLabels.UNKNOWN, "db.example");
        Policy trial = new Policy(
                NamespacedName.parse("shop/trial"), Policy.Scope.GLOBAL, Policy.Action.DENY, List.of(), true);
        metrics.policyDryRun(trial, false);
        DnsLabels dns = new DnsLabels("a", "udp", "", "");
        metrics.dnsRequest(dns);
        metrics.dnsPassedOn(dns);
        metrics.dnsUpstreamEnded(dns, 1, true);
        metrics.xdsTerminated(XdsTermination.COMPLETE);
        metrics.xdsMessage("type", 10);
        metrics.xdsRejected("type", 1);
        metrics.xdsConnected(true);
        Map<Metric, MetricSnapshot> all = metrics.collect();
        for (Metric metric : Metric.values()) {
            assertTrue(all.containsKey(metric), metric.name());
        }
        assertTrue(loops.shutdown().awaitUninterruptibly(10, TimeUnit.SECONDS));
    }

    @Test
    void countsDnsQueries_underUnknownLabelsOnceThereAreTooMany() {
        for (int i = 0; i < Metrics.DNS_SERIES_MAX + 10; i++) {
            metrics.dnsRequest(new DnsLabels("a", "udp", "service" + i, "v1"));
        }
        assertEquals(
                10,
                value(
                        Metric.DNS_REQUESTS,
                        "request_query_type",
                        "unknown",
                        "request_protocol",
                        "unknown",
                        "source_canonical_service",
                        "unknown",
                        "source_canonical_revision",
                        "unknown"));
    }

    @Test
    void leavesOutSeries_ofWhatNeverHappened() {
        metrics.traffic(Samples.plaintext().labels());
        Map<Metric, MetricSnapshot> all = metrics.collect();
        assertFalse(all.containsKey(Metric.TCP_CONNECTIONS_FAILED));
        assertFalse(all.containsKey(Metric.CERTIFICATE_EXPIRY));
        assertFalse(all.containsKey(Metric.CONFIG_LAST_APPLIED));
        CounterSnapshot opened = (CounterSnapshot) metrics.collect().get(Metric.TCP_CONNECTIONS_OPENED);
        assertTrue(opened != null && !opened.getDataPoints().isEmpty());
    }
}
