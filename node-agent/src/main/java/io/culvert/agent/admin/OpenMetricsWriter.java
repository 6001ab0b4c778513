package io.culvert.agent.admin;

import io.culvert.agent.telemetry.Metric;
import io.culvert.agent.telemetry.MetricKind;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.DataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes metrics as OpenMetrics text, each with its labels in the order of the table of metrics; a label with an empty
 * value is left out, which means the same.
 *
 * <p>Source: OpenMetrics 1.0, text format.
 */
final class OpenMetricsWriter {
    private static final double EXACT_LONG_MAX = 1L << 53;

    private OpenMetricsWriter() {}

    static void write(Map<Metric, MetricSnapshot> snapshots, Appendable out) throws IOException {
        for (Map.Entry<Metric, MetricSnapshot> each : snapshots.entrySet()) {
            Metric metric = each.getKey();
            out.append("# HELP ").append(metric.family()).append(' ');
            escape(metric.help(), out);
            out.append("\n# TYPE ")
                    .append(metric.family())
                    .append(' ')
                    .append(metric.kind().label());
            out.append('\n');
            for (DataPointSnapshot sample : each.getValue().getDataPoints()) {
                out.append(metric.sampleName());
                labels(metric, sample.getLabels(), out);
                out.append(' ').append(number(value(metric.kind(), sample))).append('\n');
            }
        }
        out.append("# EOF\n");
    }

    private static double value(MetricKind kind, DataPointSnapshot sample) {
        return switch (kind) {
            case COUNTER -> ((CounterDataPointSnapshot) sample).getValue();
            case GAUGE -> ((GaugeDataPointSnapshot) sample).getValue();
        };
    }

    private static void labels(Metric metric, Labels labels, Appendable out) throws IOException {
        char separator = '{';
        for (String name : metric.labels()) {
            @Nullable String value = labels.get(name);
            if (value != null && !value.isEmpty()) {
                out.append(separator).append(name).append("=\"");
                escape(value, out);
                out.append('"');
                separator = ',';
            }
        }
        if (separator == ',') {
            out.append('}');
        }
    }

    private static void escape(String text, Appendable out) throws IOException {
        for (int i = 0; i < text.length(); i++) {
            switch (text.charAt(i)) {
                case '\\' -> out.append("\\\\");
                case '"' -> out.append("\\\"");
                case '\n' -> out.append("\\n");
                default -> out.append(text.charAt(i));
            }
        }
    }

    static String number(double value) {
        if (value == Math.rint(value) && Math.abs(value) < EXACT_LONG_MAX) {
            return Long.toString((long) value);
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? "+Inf" : "-Inf";
        }
        return Double.toString(value);
    }
}
