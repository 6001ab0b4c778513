package io.culvert.agent.admin;

import io.culvert.agent.telemetry.Metric;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBucket;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.DataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.io.IOException;
import java.math.BigDecimal;
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
                switch (sample) {
                    case CounterDataPointSnapshot counter ->
                        sample(metric, metric.sampleName(), sample, "", counter.getValue(), out);
                    case GaugeDataPointSnapshot gauge ->
                        sample(metric, metric.sampleName(), sample, "", gauge.getValue(), out);
                    case HistogramDataPointSnapshot histogram -> histogram(metric, histogram, out);
                    default -> throw new IllegalStateException("no kind of metric is a " + sample.getClass());
                }
            }
        }
        out.append("# EOF\n");
    }

    /** Buckets hold what is up to their bound, those below included. */
    private static void histogram(Metric metric, HistogramDataPointSnapshot histogram, Appendable out)
            throws IOException {
        long upTo = 0;
        for (ClassicHistogramBucket bucket : histogram.getClassicBuckets()) {
            upTo += bucket.getCount();
            String bound = decimal(bucket.getUpperBound());
            sample(metric, metric.family() + "_bucket", histogram, bound, (double) upTo, out);
        }
        sample(metric, metric.family() + "_count", histogram, "", (double) upTo, out);
        sample(metric, metric.family() + "_sum", histogram, "", histogram.getSum(), out);
    }

    private static String decimal(double bound) {
        if (Double.isInfinite(bound)) {
            return "+Inf";
        }
        String plain = BigDecimal.valueOf(bound).stripTrailingZeros().toPlainString();
        return plain.contains(".") ? plain : plain + ".0";
    }

    private static void sample(
            Metric metric, String name, DataPointSnapshot of, String bound, double value, Appendable out)
            throws IOException {
        out.append(name);
        labels(metric, of.getLabels(), bound, out);
        out.append(' ').append(number(value)).append('\n');
    }

    private static void labels(Metric metric, Labels labels, String bound, Appendable out) throws IOException {
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
        if (!bound.isEmpty()) {
            out.append(separator).append("le=\"").append(bound).append('"');
            separator = ',';
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
