package io.culvert.systemtests.lab;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;

/**
 * What an agent counted of the connections between two ends, as its metrics tell it.
 *
 * @param reporter {@code source} or {@code destination}: the end that this agent serves
 * @param from the end that opened the connections
 * @param to the end that served them
 * @param security {@code mutual_tls}, or {@code unknown} for plaintext
 * @param opened how many were opened
 * @param closed how many were closed, by response flag
 * @param up bytes from client to server
 * @param down bytes from server to client
 */
public record Flow(
        String reporter, End from, End to, String security, long opened, Map<String, Long> closed, long up, long down) {
    /** The flag of connections that did not fail. */
    public static final String FINE = "-";

    /**
     * One end.
     *
     * @param workload its name, {@code unknown} where the mesh knows none
     * @param principal the SPIFFE id, {@code unknown} where there is none
     */
    public record End(String workload, String principal) {
        /** Nobody of the mesh. */
        public static final End UNKNOWN = new End("unknown", "unknown");

        /** A pod under its identity. */
        public static End proven(String pod) {
            return new End(pod, MeshYaml.idOf(pod));
        }

        /** A pod that proved nothing. */
        public static End unproven(String pod) {
            return new End(pod, "unknown");
        }
    }

    private record Key(String reporter, End from, End to, String security) {
        static Key of(AgentMetrics.Sample s) {
            return new Key(
                    s.label("reporter"),
                    new End(s.label("source_workload"), s.label("source_principal")),
                    new End(s.label("destination_workload"), s.label("destination_principal")),
                    s.label("connection_security_policy"));
        }
    }

    /** Sorted, so that equal means equal. */
    public Flow {
        closed = new TreeMap<>(closed);
    }

    /** So many connections under both ends' identities, opened and closed well. */
    public static Flow mutual(String reporter, String from, String to, long connections, long up, long down) {
        return new Flow(
                reporter,
                End.proven(from),
                End.proven(to),
                "mutual_tls",
                connections,
                Map.of(FINE, connections),
                up,
                down);
    }

    /** So many plaintext connections, opened and closed well. */
    public static Flow plain(String reporter, End from, End to, long connections, long up, long down) {
        return new Flow(reporter, from, to, "unknown", connections, Map.of(FINE, connections), up, down);
    }

    /** The same, but closed with other flags. */
    public Flow closedWith(Map<String, Long> flags) {
        return new Flow(reporter, from, to, security, opened, flags, up, down);
    }

    /** Everything that changed between two readings. */
    public static List<Flow> between(AgentMetrics before, AgentMetrics after) {
        Map<Key, Map<String, Double>> sums = new HashMap<>();
        add(sums, before, sample -> -sample.value());
        add(sums, after, AgentMetrics.Sample::value);
        List<Flow> flows = new ArrayList<>();
        sums.forEach((key, values) -> {
            values.values().removeIf(value -> value == 0);
            if (!values.isEmpty()) {
                flows.add(flow(key, values));
            }
        });
        return flows;
    }

    private static void add(
            Map<Key, Map<String, Double>> sums, AgentMetrics metrics, ToDoubleFunction<AgentMetrics.Sample> value) {
        for (AgentMetrics.Sample sample : metrics.samples()) {
            String field = field(sample);
            if (!field.isEmpty()) {
                sums.computeIfAbsent(Key.of(sample), fresh -> new HashMap<>())
                        .merge(field, value.applyAsDouble(sample), Double::sum);
            }
        }
    }

    private static String field(AgentMetrics.Sample sample) {
        return switch (sample.name()) {
            case "istio_tcp_connections_opened_total" -> "opened";
            case "istio_tcp_connections_closed_total" -> "closed " + sample.label("response_flags");
            case "istio_tcp_received_bytes_total" -> "up";
            case "istio_tcp_sent_bytes_total" -> "down";
            default -> "";
        };
    }

    private static Flow flow(Key key, Map<String, Double> values) {
        Map<String, Long> closed = new TreeMap<>();
        values.forEach((field, value) -> {
            if (field.startsWith("closed ")) {
                closed.put(field.substring("closed ".length()), Math.round(value));
            }
        });
        return new Flow(
                key.reporter,
                key.from,
                key.to,
                key.security,
                Math.round(values.getOrDefault("opened", 0.0)),
                closed,
                Math.round(values.getOrDefault("up", 0.0)),
                Math.round(values.getOrDefault("down", 0.0)));
    }
}
