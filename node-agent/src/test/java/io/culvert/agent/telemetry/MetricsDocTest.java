package io.culvert.agent.telemetry;

import io.culvert.testkit.Golden;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Keeps docs/metrics.md in step with the tables; {@code make docs} writes it. */
class MetricsDocTest {
    private static final String HEAD = """
            # Metrics

            <!-- Written by `make docs` from the tables of metrics; a test fails when it is out of date. -->

            Served as OpenMetrics text at `/metrics` and `/stats/prometheus` of port 15020. Counters end in `_total`; a metric
            that has no samples yet is left out. Metrics marked unstable may change their names or labels.

            Of what ztunnel tells of its own runtime, `culvert_loops`, `culvert_loop_busy_seconds_total` and
            `culvert_loop_pending_tasks` stand in for `tokio_num_workers`, `tokio_worker_total_busy_duration_seconds_total` and
            `tokio_global_queue_depth`, and `jvm_threads_current` is the nearest to `tokio_num_alive_tasks`. How often a worker
            was parked has no like here.

            """;

    @Test
    void isInStepWithTheTables() {
        StringBuilder doc = new StringBuilder(HEAD);
        doc.append("| Name | Type | Labels | Meaning |\n|---|---|---|---|\n");
        for (Metric metric : Metric.values()) {
            doc.append(row(metric));
        }
        traffic(doc);
        reasons(doc);
        kinds(doc);
        Golden.assertMatches("../../../../../docs/metrics.md", doc.toString());
    }

    private static String row(Metric metric) {
        String labels = metric.labels().equals(TrafficLabels.NAMES)
                ? "traffic labels"
                : metric.labels().stream().map(MetricsDocTest::code).collect(Collectors.joining(", "));
        return "| " + code(metric.sampleName()) + " | " + metric.kind().label() + " | " + labels + " | " + metric.help()
                + " |\n";
    }

    private static void traffic(StringBuilder doc) {
        doc.append("\n## Traffic labels\n\n");
        doc.append(TrafficLabels.NAMES.stream().map(MetricsDocTest::code).collect(Collectors.joining(", ")));
        doc.append("""
                .

                - `reporter` is `source` where the connection left one of this node's pods and `destination` where it reached one.
                  Both agents of a connection count it, each once.
                - `received` is what clients sent to servers and `sent` what servers sent to clients, whichever end reports.
                - What is unknown reads `unknown`; the regions and zones are left out unless the mesh knows one of the ends.
                - `opened` and the bytes are counted under the flag `-`, `closed` and `failed` under the flag of the end.
                - There are at most %d sets of traffic labels; connections beyond are counted under unknown labels and in
                  `%s`.
                """.replace("%d", Integer.toString(Metrics.TRAFFIC_SERIES_MAX))
                .replace("%s", Metric.SERIES_OVERFLOW.sampleName()));
        doc.append("\n`response_flags` is one of ")
                .append(Arrays.stream(ResponseFlag.values())
                        .map(flag -> code(flag.label()))
                        .collect(Collectors.joining(", ")))
                .append(". ztunnel has one\nmore, `TLS_FAILURE`, for certificates that no TLS can be made of: here ")
                .append("such a one is refused when it is issued, and what\nlacks one has `IDENTITY_ERROR`.\n");
    }

    private static void reasons(StringBuilder doc) {
        doc.append("\n## Why connections end\n\n");
        doc.append("The `reason` of `").append(Metric.CONNECTIONS_ENDED.sampleName());
        doc.append("`, and the `error` of the access log; its `reset` where an application broke the\n");
        doc.append("connection off, which is told at level info and is no failure.\n\n");
        doc.append("| Reason | Flag | Failure | Access log | What to do |\n|---|---|---|---|---|\n");
        for (CloseReason reason : CloseReason.values()) {
            doc.append("| ").append(code(reason.label()));
            doc.append(" | ").append(code(reason.openingFlag().label()));
            if (reason.flag() != reason.openingFlag()) {
                doc.append(", once open ").append(code(reason.flag().label()));
            }
            doc.append(" | ").append(reason.isFailure() ? "yes" : "no");
            doc.append(" | ").append(reason == CloseReason.NORMAL ? "" : reason.text());
            doc.append(" | ").append(reason.sentence()).append(" |\n");
        }
    }

    private static void kinds(StringBuilder doc) {
        doc.append("\n## What hostile or broken peers do\n\n");
        doc.append("The `kind` of `").append(Metric.BAD_PEERS.sampleName()).append("`.\n\n");
        doc.append("| Kind | Meaning |\n|---|---|\n");
        for (BadPeer kind : BadPeer.values()) {
            doc.append("| ").append(code(kind.label()));
            doc.append(" | ").append(kind.sentence()).append(" |\n");
        }
    }

    private static String code(String text) {
        return "`" + text + "`";
    }
}
