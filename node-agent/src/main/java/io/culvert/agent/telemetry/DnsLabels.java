package io.culvert.agent.telemetry;

import java.util.List;

/**
 * What DNS queries are counted by; empty texts are unknown.
 *
 * @param queryType the type asked for, in small letters
 * @param protocol {@code udp} or {@code tcp}
 * @param canonicalService of the pod that asks
 * @param canonicalRevision of the pod that asks
 */
public record DnsLabels(String queryType, String protocol, String canonicalService, String canonicalRevision) {
    static final List<String> NAMES =
            List.of("request_query_type", "request_protocol", "source_canonical_service", "source_canonical_revision");
    private static final String UNKNOWN = "unknown";
    static final DnsLabels OVERFLOW = new DnsLabels("", "", "", "");

    String[] values() {
        return new String[] {known(queryType), known(protocol), known(canonicalService), known(canonicalRevision)};
    }

    private static String known(String text) {
        return text.isEmpty() ? UNKNOWN : text;
    }
}
