package io.culvert.agent.telemetry;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.telemetry.ConnectionCounters.TrafficFamilies;
import io.culvert.protocol.policy.Policy;
import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.datapoints.GaugeDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.Collector;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Every metric's current value.
 *
 * <p>Runs on: any; counting never blocks.
 *
 * <p>Bounds: a number of sets of traffic labels ({@link #TRAFFIC_SERIES_MAX}), since peers have a say in them; further
 * connections are counted under unknown labels.
 */
public final class Metrics {
    public static final int TRAFFIC_SERIES_MAX = 20_000;
    static final int DNS_SERIES_MAX = 5_000;
    private static final String COMPONENT = "ztunnel";
    private static final String APPLIED = "applied";
    private static final String REFUSED = "refused";
    private static final String CHANGE = "change";
    private static final String TURN = "turn";

    private final Map<Metric, Collector> collectors = new EnumMap<>(Metric.class);
    private final Map<TrafficLabels, ConnectionCounters> traffic = new ConcurrentHashMap<>();
    private final AtomicInteger trafficSeries = new AtomicInteger();
    private final TrafficFamilies families = new TrafficFamilies(
            counter(Metric.TCP_CONNECTIONS_OPENED),
            counter(Metric.TCP_CONNECTIONS_CLOSED),
            counter(Metric.TCP_RECEIVED_BYTES),
            counter(Metric.TCP_SENT_BYTES),
            counter(Metric.TCP_CONNECTIONS_FAILED));
    private final Map<DnsLabels, DnsCounters> dns = new ConcurrentHashMap<>();
    private final DnsCounters.Families dnsFamilies = new DnsCounters.Families(
            counter(Metric.DNS_REQUESTS),
            counter(Metric.DNS_UPSTREAM_REQUESTS),
            counter(Metric.DNS_UPSTREAM_FAILURES),
            histogram(Metric.DNS_UPSTREAM_DURATION, 0.0005, 0.001, 0.01, 0.1, 1, 5));
    private final Gauge socketsOpen = gauge(Metric.TCP_SOCKETS_OPEN);
    private final Series<Direction, GaugeDataPoint> sockets =
            Series.of(Direction.class, each -> socketsOpen.labelValues(each.reporter()));
    private final Counter connectionsEnded = counter(Metric.CONNECTIONS_ENDED);
    private final Series<CloseReason, CounterDataPoint> ended =
            Series.of(CloseReason.class, each -> connectionsEnded.labelValues(each.label()));
    private final Counter badPeers = counter(Metric.BAD_PEERS);
    private final Series<BadPeer, CounterDataPoint> badPeer =
            Series.of(BadPeer.class, each -> badPeers.labelValues(each.label()));
    private final Gauge tunnelsOpen = gauge(Metric.TUNNELS);
    private final Series<TunnelRole, GaugeDataPoint> tunnels =
            Series.of(TunnelRole.class, each -> tunnelsOpen.labelValues(each.label()));
    private final Gauge certificatesHeld = gauge(Metric.CERTIFICATES);
    private final Series<CertificateState, GaugeDataPoint> certificates =
            Series.of(CertificateState.class, each -> certificatesHeld.labelValues(each.label()));
    private final Gauge proxiesActive = gauge(Metric.PROXIES_ACTIVE);
    private final Gauge proxiesPending = gauge(Metric.PROXIES_PENDING);
    private final Counter crlRejections = counter(Metric.CRL_REJECTIONS);
    private final Series<Direction, CounterDataPoint> crlRejected =
            Series.of(Direction.class, each -> crlRejections.labelValues(each.reporter()));
    private final Counter xdsTerminations = counter(Metric.XDS_TERMINATIONS);
    private final Counter xdsMessages = counter(Metric.XDS_MESSAGES);
    private final Counter xdsMessageBytes = counter(Metric.XDS_MESSAGE_BYTES);
    private final Counter xdsRejected = counter(Metric.XDS_REJECTED);
    private volatile @Nullable Boolean xdsConnected;
    private final Counter proxiesStarted = counter(Metric.PROXIES_STARTED);
    private final Counter proxiesStopped = counter(Metric.PROXIES_STOPPED);
    private final Counter rulesDamaged = counter(Metric.RULES_DAMAGED);
    private final Counter rulesLookedAt = counter(Metric.RULES_LOOKED_AT);
    private final BoundedCounter onDemandDns = new BoundedCounter(counter(Metric.ON_DEMAND_DNS));
    private final BoundedCounter policyDryRun = new BoundedCounter(counter(Metric.POLICY_DRY_RUN));
    private final Counter configReloads = counter(Metric.CONFIG_RELOADS);
    private final Counter seriesOverflow = counter(Metric.SERIES_OVERFLOW);
    private volatile @Nullable Instant configLastApplied;
    private volatile @Nullable Instant certificateExpiry;

    /** Metrics of a build that fleet tools know under the tag. */
    public Metrics(String buildTag, BuildVersion version) {
        gauge(Metric.BUILD).labelValues(COMPONENT, buildTag).set(1);
        gauge(Metric.VERSION).labelValues(version.version(), version.revision()).set(1);
        configReloads.initLabelValues(APPLIED);
        configReloads.initLabelValues(REFUSED);
        rulesLookedAt.initLabelValues(CHANGE);
        rulesLookedAt.initLabelValues(TURN);
        Counter untracked = counter(Metric.CRL_UNTRACKED);
        for (Direction direction : Direction.values()) {
            untracked.initLabelValues(direction.reporter());
        }
        gauge(Metric.CONFIG_LAST_APPLIED, sink -> seconds(configLastApplied, sink));
        gauge(Metric.XDS_CONNECTED, sink -> flag(xdsConnected, sink));
        gauge(Metric.CERTIFICATE_EXPIRY, sink -> seconds(certificateExpiry, sink));
    }

    /** The counters of connections with these labels. */
    public ConnectionCounters traffic(TrafficLabels labels) {
        ConnectionCounters known = traffic.get(labels);
        if (known != null) {
            return known;
        }
        if (trafficSeries.incrementAndGet() > TRAFFIC_SERIES_MAX) {
            trafficSeries.decrementAndGet();
            seriesOverflow.inc();
            return overflow(labels.direction());
        }
        ConnectionCounters made = new ConnectionCounters(labels, families);
        ConnectionCounters raced = traffic.putIfAbsent(labels, made);
        if (raced != null) {
            trafficSeries.decrementAndGet();
            return raced;
        }
        return made;
    }

    // Beyond the bound, and for these two alone.
    private ConnectionCounters overflow(Direction direction) {
        TrafficLabels labels = TrafficLabels.overflow(direction);
        return traffic.computeIfAbsent(labels, each -> new ConnectionCounters(each, families));
    }

    /** A pod asked for a name. */
    public void dnsRequest(DnsLabels labels) {
        dns(labels).request();
    }

    /** Its query was passed on to the node's servers. */
    public void dnsPassedOn(DnsLabels labels) {
        dns(labels).passedOn();
    }

    /** They answered, or nobody did. */
    public void dnsUpstreamEnded(DnsLabels labels, long tookNanos, boolean failed) {
        dns(labels).upstreamEnded(tookNanos, failed);
    }

    private DnsCounters dns(DnsLabels labels) {
        boolean counted = dns.size() < DNS_SERIES_MAX || dns.containsKey(labels);
        return dns.computeIfAbsent(counted ? labels : DnsLabels.OVERFLOW, each -> new DnsCounters(each, dnsFamilies));
    }

    /** A socket was accepted, whether or not it becomes a connection. */
    public void socketOpened(Direction direction) {
        sockets.get(direction).inc();
    }

    public void socketClosed(Direction direction) {
        sockets.get(direction).dec();
    }

    void connectionEnded(CloseReason reason) {
        ended.get(reason).inc();
    }

    /** A peer did what no honest peer does, and was refused. */
    public void badPeer(BadPeer kind) {
        badPeer.get(kind).inc();
    }

    /** The next hop of a connection is known by hostname only. */
    public void onDemandDns(PeerLabels source, String hostname) {
        onDemandDns.inc(
                TrafficLabels.known(source.workload()),
                TrafficLabels.known(source.canonicalService()),
                TrafficLabels.known(source.canonicalRevision()),
                TrafficLabels.known(source.namespace()),
                TrafficLabels.known(source.principal()),
                TrafficLabels.known(source.app()),
                TrafficLabels.known(source.canonicalRevision()),
                TrafficLabels.known(source.cluster()),
                hostname);
    }

    /** A policy in dry-run was asked about a connection. */
    public void policyDryRun(Policy policy, boolean matched) {
        policyDryRun.inc(
                policy.key().toString(), policy.action().name().toLowerCase(Locale.ROOT), Boolean.toString(matched));
    }

    public void tunnelOpened(TunnelRole role) {
        tunnels.get(role).inc();
    }

    public void tunnelClosed(TunnelRole role) {
        tunnels.get(role).dec();
    }

    /** How many pods are served, and how many are enrolled without being served yet. */
    public void proxies(int active, int pending) {
        proxiesActive.set(active);
        proxiesPending.set(pending);
    }

    public void proxyStarted() {
        proxiesStarted.inc();
    }

    public void proxyStopped() {
        proxiesStopped.inc();
    }

    /** Somebody damaged a captured pod's rules. */
    public void rulesDamaged() {
        rulesDamaged.inc();
    }

    /** A captured pod's rules are looked at: because something there changed, or because it was its turn. */
    public void rulesLookedAt(boolean changed) {
        rulesLookedAt.labelValues(changed ? CHANGE : TURN).inc();
    }

    /** A new mesh file is in force. */
    public void configApplied(Instant when) {
        configReloads.labelValues(APPLIED).inc();
        configLastApplied = when;
    }

    /** A new mesh file is wrong; the one before stays in force. */
    public void configRefused() {
        configReloads.labelValues(REFUSED).inc();
    }

    /** How many workload certificates are in a state. */
    public void certificates(CertificateState state, int count) {
        certificates.get(state).set(count);
    }

    /** When the first of the workload certificates in use expires; null while none is in use. */
    public void earliestCertificateExpiry(@Nullable Instant when) {
        certificateExpiry = when;
    }

    /** A revocation list names a peer: its tunnel did not come about, or does not go on. */
    public void crlRejected(Direction direction) {
        crlRejected.get(direction).inc();
    }

    /** A stream from the control plane ended. */
    public void xdsTerminated(XdsTermination how) {
        xdsTerminations.labelValues(how.label()).inc();
    }

    /**
     * A message came from the control plane.
     *
     * @param typeUrl one of few
     */
    public void xdsMessage(String typeUrl, int bytes) {
        xdsMessages.labelValues(typeUrl).inc();
        xdsMessageBytes.labelValues(typeUrl).inc(bytes);
    }

    /** Resources of a message were not taken. */
    public void xdsRejected(String typeUrl, int count) {
        xdsRejected.labelValues(typeUrl).inc(count);
    }

    /** Whether the control plane answers on an open stream. */
    public void xdsConnected(boolean connected) {
        xdsConnected = connected;
    }

    private static void flag(@Nullable Boolean value, BiConsumer<Double, String[]> sink) {
        if (value != null) {
            sink.accept(value ? 1.0 : 0.0, new String[0]);
        }
    }

    private static void seconds(@Nullable Instant when, BiConsumer<Double, String[]> sink) {
        if (when != null) {
            sink.accept((double) when.getEpochSecond(), new String[0]);
        }
    }

    /** Has a gauge ask for its values whenever they are wanted; the reader is given the value and its label values. */
    void gauge(Metric metric, Consumer<BiConsumer<Double, String[]>> reader) {
        add(
                metric,
                GaugeWithCallback.builder()
                        .name(metric.family())
                        .help(metric.help())
                        .labelNames(labels(metric))
                        .callback(callback -> reader.accept(callback::call))
                        .build());
    }

    /** Has a counter ask for its value whenever it is wanted. */
    void counter(Metric metric, DoubleSupplier reader) {
        add(
                metric,
                CounterWithCallback.builder()
                        .name(metric.family())
                        .help(metric.help())
                        .callback(callback -> callback.call(reader.getAsDouble()))
                        .build());
    }

    /** Has a counter with labels ask for its values whenever they are wanted. */
    void counters(Metric metric, Consumer<BiConsumer<Double, String[]>> reader) {
        add(
                metric,
                CounterWithCallback.builder()
                        .name(metric.family())
                        .help(metric.help())
                        .labelNames(labels(metric))
                        .callback(callback -> reader.accept(callback::call))
                        .build());
    }

    /** What there is to tell now, in the table's order; a metric without samples is left out. */
    public Map<Metric, MetricSnapshot> collect() {
        Map<Metric, MetricSnapshot> snapshots = new EnumMap<>(Metric.class);
        collectors.forEach((metric, collector) -> {
            MetricSnapshot snapshot = collector.collect();
            if (!snapshot.getDataPoints().isEmpty()) {
                snapshots.put(metric, snapshot);
            }
        });
        return snapshots;
    }

    private Counter counter(Metric metric) {
        Counter counter = Counter.builder()
                .name(metric.family())
                .help(metric.help())
                .labelNames(labels(metric))
                .build();
        add(metric, counter);
        return counter;
    }

    private Histogram histogram(Metric metric, double... bounds) {
        Histogram histogram = Histogram.builder()
                .name(metric.family())
                .help(metric.help())
                .labelNames(labels(metric))
                .classicOnly()
                .classicUpperBounds(bounds)
                .build();
        add(metric, histogram);
        return histogram;
    }

    private Gauge gauge(Metric metric) {
        Gauge gauge = Gauge.builder()
                .name(metric.family())
                .help(metric.help())
                .labelNames(labels(metric))
                .build();
        add(metric, gauge);
        return gauge;
    }

    private void add(Metric metric, Collector collector) {
        collectors.put(metric, collector);
    }

    private static String[] labels(Metric metric) {
        return metric.labels().toArray(String[]::new);
    }
}
