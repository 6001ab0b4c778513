package io.culvert.agent.telemetry;

import java.util.List;

/**
 * The labels of a connection's metrics, apart from the response flag.
 *
 * <p>What is unknown reads {@code unknown}; the regions and zones are left out (an empty label is no label) unless the
 * mesh knows one of the ends.
 *
 * @param direction our end
 * @param source the end that opened the connection
 * @param destination the end that serves it
 * @param service the service it was meant for
 * @param mutualTls whether it is carried in a tunnel
 */
public record TrafficLabels(
        Direction direction, PeerLabels source, PeerLabels destination, ServiceLabels service, boolean mutualTls) {
    private static final String UNKNOWN = "unknown";

    /** The label names, in order. */
    public static final List<String> NAMES = List.of(
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

    /** What stands in for further connections once there are too many series. */
    static TrafficLabels overflow(Direction direction) {
        return new TrafficLabels(direction, PeerLabels.UNKNOWN, PeerLabels.UNKNOWN, ServiceLabels.UNKNOWN, false);
    }

    /** The label values, in the order of {@link #NAMES}. */
    String[] values(ResponseFlag flag) {
        boolean located = source.known() || destination.known();
        return new String[] {
            direction.reporter(),
            known(source.workload()),
            known(source.canonicalService()),
            known(source.canonicalRevision()),
            known(source.namespace()),
            known(source.principal()),
            known(source.app()),
            known(source.canonicalRevision()),
            known(source.cluster()),
            known(service.hostname()),
            known(service.namespace()),
            known(service.name()),
            known(destination.workload()),
            known(destination.canonicalService()),
            known(destination.canonicalRevision()),
            known(destination.namespace()),
            known(destination.principal()),
            known(destination.app()),
            known(destination.canonicalRevision()),
            known(destination.cluster()),
            "tcp",
            flag.label(),
            mutualTls ? "mutual_tls" : UNKNOWN,
            located ? known(source.region()) : "",
            located ? known(source.zone()) : "",
            located ? known(destination.region()) : "",
            located ? known(destination.zone()) : ""
        };
    }

    static String known(String text) {
        return text.isEmpty() ? UNKNOWN : text;
    }
}
