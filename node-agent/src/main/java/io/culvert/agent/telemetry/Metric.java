package io.culvert.agent.telemetry;

import java.util.List;

/**
 * The one table of everything that is measured; {@code /metrics} and {@code docs/metrics.md} read it.
 *
 * <p>The names of the mesh's own metrics and of their labels are those that its dashboards look for.
 */
public enum Metric {
    TCP_CONNECTIONS_OPENED(
            "istio_tcp_connections_opened", MetricKind.COUNTER, true, "Connections opened", TrafficLabels.NAMES),
    TCP_CONNECTIONS_CLOSED(
            "istio_tcp_connections_closed",
            MetricKind.COUNTER,
            true,
            "Connections closed, by how they ended",
            TrafficLabels.NAMES),
    TCP_RECEIVED_BYTES(
            "istio_tcp_received_bytes",
            MetricKind.COUNTER,
            true,
            "Bytes that went from clients to servers",
            TrafficLabels.NAMES),
    TCP_SENT_BYTES(
            "istio_tcp_sent_bytes",
            MetricKind.COUNTER,
            true,
            "Bytes that went from servers to clients",
            TrafficLabels.NAMES),
    TCP_CONNECTIONS_FAILED(
            "istio_tcp_connections_failed",
            MetricKind.COUNTER,
            false,
            "Connections that failed, by how they ended",
            TrafficLabels.NAMES),
    TCP_SOCKETS_OPEN(
            "istio_tcp_sockets_open",
            MetricKind.GAUGE,
            false,
            "Sockets accepted and open, whether or not they became connections",
            List.of("reporter")),
    DNS_REQUESTS("istio_dns_requests", MetricKind.COUNTER, false, "DNS queries of pods", DnsLabels.NAMES),
    DNS_UPSTREAM_REQUESTS(
            "istio_dns_upstream_requests",
            MetricKind.COUNTER,
            false,
            "DNS queries for the node's servers, whether asked anew or answered as remembered",
            DnsLabels.NAMES),
    DNS_UPSTREAM_FAILURES(
            "istio_dns_upstream_failures",
            MetricKind.COUNTER,
            false,
            "DNS queries passed on that nobody answered",
            DnsLabels.NAMES),
    DNS_UPSTREAM_DURATION(
            "istio_dns_upstream_request_duration_seconds",
            MetricKind.HISTOGRAM,
            false,
            "How long DNS queries passed on took",
            DnsLabels.NAMES),
    BUILD("istio_build", MetricKind.GAUGE, true, "The version as fleet tools know it", List.of("component", "tag")),
    XDS_TERMINATIONS(
            "istio_xds_connection_terminations",
            MetricKind.COUNTER,
            false,
            "Streams from the control plane that ended, by how",
            List.of("reason")),
    XDS_MESSAGES(
            "istio_xds_message",
            MetricKind.COUNTER,
            false,
            "Messages from the control plane, by type of resource",
            List.of("url")),
    XDS_MESSAGE_BYTES(
            "istio_xds_message_bytes",
            MetricKind.COUNTER,
            false,
            "Bytes of messages from the control plane, by type of resource",
            List.of("url")),
    XDS_CONNECTED(
            "culvert_xds_connected",
            MetricKind.GAUGE,
            true,
            "1 while the control plane answers on an open stream, otherwise 0",
            List.of()),
    XDS_REJECTED(
            "culvert_xds_rejected_resources",
            MetricKind.COUNTER,
            true,
            "Resources from the control plane that were not taken, by type",
            List.of("url")),
    CRL_REJECTIONS(
            "istio_crl_policy_rejections",
            MetricKind.COUNTER,
            false,
            "Tunnels refused or closed because a revocation list names their peer's certificate",
            List.of("reporter")),
    CRL_UNTRACKED(
            "istio_crl_untracked_connections",
            MetricKind.COUNTER,
            false,
            "Tunnels whose peers could not be held against revocation lists; there are none, for these are closed",
            List.of("reporter")),
    PROXIES_ACTIVE("workload_manager_active_proxy_count", MetricKind.GAUGE, false, "Pods that are served", List.of()),
    PROXIES_PENDING(
            "workload_manager_pending_proxy_count",
            MetricKind.GAUGE,
            false,
            "Pods that are enrolled and cannot be served yet",
            List.of()),
    PROXIES_STARTED(
            "workload_manager_proxies_started", MetricKind.COUNTER, false, "Pods whose serving began", List.of()),
    PROXIES_STOPPED(
            "workload_manager_proxies_stopped", MetricKind.COUNTER, false, "Pods whose serving ended", List.of()),
    RULES_DAMAGED(
            "culvert_redirect_rules_damaged",
            MetricKind.COUNTER,
            true,
            "Times that the redirect rules of a captured pod were found damaged or gone; they are written anew at once",
            List.of()),
    RULES_LOOKED_AT(
            "culvert_redirect_rules_looks",
            MetricKind.COUNTER,
            true,
            "Looks at the redirect rules of a captured pod: because something there changed, or because it was its turn",
            List.of("reason")),
    CONNECTIONS_ENDED(
            "culvert_connections_ended",
            MetricKind.COUNTER,
            true,
            "Connections ended or refused, by reason",
            List.of("reason")),
    BAD_PEERS(
            "culvert_bad_peer",
            MetricKind.COUNTER,
            true,
            "Refusals of what no honest peer does, by kind",
            List.of("kind")),
    TUNNELS(
            "culvert_hbone_tunnels",
            MetricKind.GAUGE,
            true,
            "HBONE tunnels open, by our side of them",
            List.of("role")),
    ON_DEMAND_DNS(
            "istio_on_demand_dns",
            MetricKind.COUNTER,
            false,
            "Connections whose next hop is known by hostname only",
            List.of(
                    "source_workload",
                    "source_canonical_service",
                    "source_canonical_revision",
                    "source_workload_namespace",
                    "source_principal",
                    "source_app",
                    "source_version",
                    "source_cluster",
                    "hostname")),
    POLICY_DRY_RUN(
            "culvert_policy_dry_run",
            MetricKind.COUNTER,
            true,
            "Connections that a policy in dry-run was asked about, by whether it matched",
            List.of("policy", "action", "matched")),
    CONFIG_RELOADS(
            "culvert_config_reload",
            MetricKind.COUNTER,
            true,
            "Readings of the mesh file, by whether it was applied or refused",
            List.of("result")),
    CONFIG_LAST_APPLIED(
            "culvert_config_last_applied_timestamp_seconds",
            MetricKind.GAUGE,
            true,
            "When the mesh file in force was applied",
            List.of()),
    CERTIFICATES("culvert_certificates", MetricKind.GAUGE, true, "Workload certificates, by state", List.of("state")),
    CERTIFICATE_EXPIRY(
            "culvert_certificate_earliest_expiry_timestamp_seconds",
            MetricKind.GAUGE,
            true,
            "When the first of the workload certificates in use expires",
            List.of()),
    LOG_LINES_DROPPED(
            "culvert_log_lines_dropped",
            MetricKind.COUNTER,
            true,
            "Log lines dropped because standard output did not take them in time",
            List.of()),
    SERIES_OVERFLOW(
            "culvert_metric_series_overflow",
            MetricKind.COUNTER,
            true,
            "Connections counted under unknown labels because there were too many series",
            List.of()),
    VERSION(
            "culvert_build",
            MetricKind.GAUGE,
            true,
            "The version and source revision of this agent",
            List.of("version", "revision")),
    OPEN_FDS("process_open_fds", MetricKind.GAUGE, true, "File descriptors open", List.of()),
    MAX_FDS("process_max_fds", MetricKind.GAUGE, true, "File descriptors that may be open", List.of()),
    CPU_SECONDS("process_cpu_seconds", MetricKind.COUNTER, true, "CPU time used, user and system", List.of()),
    RESIDENT_MEMORY("process_resident_memory_bytes", MetricKind.GAUGE, true, "Memory resident", List.of()),
    LOOPS("culvert_loops", MetricKind.GAUGE, true, "Event loops that carry traffic", List.of()),
    LOOP_PENDING_TASKS(
            "culvert_loop_pending_tasks",
            MetricKind.GAUGE,
            true,
            "Tasks that wait for their turn on an event loop",
            List.of("loop")),
    LOOP_BUSY(
            "culvert_loop_busy_seconds", MetricKind.COUNTER, true, "CPU time that an event loop used", List.of("loop")),
    JVM_THREADS("jvm_threads_current", MetricKind.GAUGE, true, "Platform threads alive", List.of()),
    JVM_MEMORY_USED(
            "jvm_memory_used_bytes", MetricKind.GAUGE, true, "Memory that the JVM uses, by area", List.of("area")),
    JVM_BUFFERS_USED(
            "jvm_buffer_pool_used_bytes",
            MetricKind.GAUGE,
            true,
            "Memory that buffers outside the heap use, by pool",
            List.of("pool"));

    private final String family;
    private final MetricKind kind;
    private final boolean stable;
    private final String help;

    // Error Prone cannot see that every list here is unmodifiable.
    @SuppressWarnings("ImmutableEnumChecker")
    private final List<String> labels;

    Metric(String family, MetricKind kind, boolean stable, String help, List<String> labels) {
        this.family = family;
        this.kind = kind;
        this.stable = stable;
        this.help = help;
        this.labels = labels;
    }

    /** The family's name, without the suffix that samples of counters carry. */
    public String family() {
        return family;
    }

    /** The name that samples carry. */
    public String sampleName() {
        return kind == MetricKind.COUNTER ? family + "_total" : family;
    }

    public MetricKind kind() {
        return kind;
    }

    /** Whether name and labels are kept from version to version. */
    public boolean isStable() {
        return stable;
    }

    /** What it tells, with a mark when it is not stable. */
    public String help() {
        return stable ? help : help + " (unstable)";
    }

    /** The label names, in the order in which samples carry them. */
    public List<String> labels() {
        return labels;
    }
}
