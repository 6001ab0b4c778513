package io.culvert.agent.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The families that dashboards made for ztunnel look for, with their types, labels and order of labels. */
class MetricFamiliesTest {
    private static final List<String> TRAFFIC = List.of(
            "reporter",
            "source_workload",
            "source_canonical_service",
            "source_canonical_revision",
            "source_workload_namespace",
            "source_principal",
            "source_app",
            "source_version",
            "source_cluster",
            "destination_service",
            "destination_service_namespace",
            "destination_service_name",
            "destination_workload",
            "destination_canonical_service",
            "destination_canonical_revision",
            "destination_workload_namespace",
            "destination_principal",
            "destination_app",
            "destination_version",
            "destination_cluster",
            "request_protocol",
            "response_flags",
            "connection_security_policy",
            "source_region",
            "source_zone",
            "destination_region",
            "destination_zone");
    private static final List<String> ON_DEMAND = List.of(
            "source_workload",
            "source_canonical_service",
            "source_canonical_revision",
            "source_workload_namespace",
            "source_principal",
            "source_app",
            "source_version",
            "source_cluster",
            "hostname");
    private static final List<String> DNS =
            List.of("request_query_type", "request_protocol", "source_canonical_service", "source_canonical_revision");

    record Family(String name, String type, List<String> labels, boolean stable) {}

    private static List<Family> families() {
        return List.of(
                new Family("istio_tcp_connections_opened_total", "counter", TRAFFIC, true),
                new Family("istio_tcp_connections_closed_total", "counter", TRAFFIC, true),
                new Family("istio_tcp_received_bytes_total", "counter", TRAFFIC, true),
                new Family("istio_tcp_sent_bytes_total", "counter", TRAFFIC, true),
                new Family("istio_tcp_connections_failed_total", "counter", TRAFFIC, false),
                new Family("istio_tcp_sockets_open", "gauge", List.of("reporter"), false),
                new Family("istio_on_demand_dns_total", "counter", ON_DEMAND, false),
                new Family("istio_crl_policy_rejections_total", "counter", List.of("reporter"), false),
                new Family("istio_crl_untracked_connections_total", "counter", List.of("reporter"), false),
                new Family("istio_dns_requests_total", "counter", DNS, false),
                new Family("istio_dns_upstream_requests_total", "counter", DNS, false),
                new Family("istio_dns_upstream_failures_total", "counter", DNS, false),
                new Family("istio_dns_upstream_request_duration_seconds", "histogram", DNS, false),
                new Family("istio_xds_connection_terminations_total", "counter", List.of("reason"), false),
                new Family("istio_xds_message_total", "counter", List.of("url"), false),
                new Family("istio_xds_message_bytes_total", "counter", List.of("url"), false),
                new Family("istio_build", "gauge", List.of("component", "tag"), true),
                new Family("workload_manager_active_proxy_count", "gauge", List.of(), false),
                new Family("workload_manager_pending_proxy_count", "gauge", List.of(), false),
                new Family("workload_manager_proxies_started_total", "counter", List.of(), false),
                new Family("workload_manager_proxies_stopped_total", "counter", List.of(), false),
                new Family("process_open_fds", "gauge", List.of(), true),
                new Family("process_max_fds", "gauge", List.of(), true));
    }

    private static final Map<String, Metric> OURS =
            Arrays.stream(Metric.values()).collect(Collectors.toMap(Metric::sampleName, Function.identity()));

    @ParameterizedTest
    @MethodSource("families")
    void isAsDashboardsExpect(Family family) {
        Metric ours = OURS.get(family.name());
        assertNotNull(ours, family.name());
        assertEquals(family, new Family(ours.sampleName(), ours.kind().label(), ours.labels(), ours.isStable()));
    }

    @Test
    void nothingElseHasTheirPrefix() {
        List<String> expected = families().stream()
                .map(Family::name)
                .filter(MetricFamiliesTest::isTheirs)
                .sorted()
                .toList();
        assertEquals(
                expected,
                OURS.keySet().stream()
                        .filter(MetricFamiliesTest::isTheirs)
                        .sorted()
                        .toList());
    }

    private static boolean isTheirs(String name) {
        return name.startsWith("istio_") || name.startsWith("workload_manager_");
    }

    @Test
    void valuesThatTellWhyAreSpeltAsDashboardsExpect() {
        assertEquals(
                List.of(
                        "-",
                        "CERT_REVOKED",
                        "CONNECT",
                        "DENY",
                        "H2_HANDSHAKE_FAILURE",
                        "IDENTITY_ERROR",
                        "NETWORK_POLICY"),
                Arrays.stream(ResponseFlag.values())
                        .map(ResponseFlag::label)
                        .sorted()
                        .toList());
        assertEquals(
                List.of("Complete", "ConnectionError", "Error", "Reconnect"),
                Arrays.stream(XdsTermination.values())
                        .map(XdsTermination::label)
                        .sorted()
                        .toList());
        assertEquals("destination", Direction.INBOUND.reporter());
        assertEquals("source", Direction.OUTBOUND.reporter());
    }
}
