package io.culvert.agent.telemetry;

import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import org.jspecify.annotations.Nullable;

/**
 * The series of one set of traffic labels, looked up once so that counting costs an addition.
 *
 * <p>Runs on: any.
 */
public final class ConnectionCounters {
    private final TrafficLabels labels;
    private final TrafficFamilies families;
    private final CounterDataPoint opened;
    private final CounterDataPoint received;
    private final CounterDataPoint sent;
    private volatile @Nullable CounterDataPoint closedWell;

    /** The families that every set of traffic labels has series in. */
    record TrafficFamilies(Counter opened, Counter closed, Counter received, Counter sent, Counter failed) {}

    ConnectionCounters(TrafficLabels labels, TrafficFamilies families) {
        this.labels = labels;
        this.families = families;
        String[] values = labels.values(ResponseFlag.NONE);
        this.opened = families.opened().labelValues(values);
        this.received = families.received().labelValues(values);
        this.sent = families.sent().labelValues(values);
    }

    void opened() {
        opened.inc();
    }

    void received(long bytes) {
        received.inc(bytes);
    }

    void sent(long bytes) {
        sent.inc(bytes);
    }

    void closed(CloseReason reason, boolean established) {
        ResponseFlag flag = established ? reason.flag() : reason.openingFlag();
        closedSeries(flag).inc();
        if (reason.isFailure()) {
            families.failed().labelValues(labels.values(flag)).inc();
        }
    }

    // Made at the first close, so that a set of labels has no sample for what never happened.
    private CounterDataPoint closedSeries(ResponseFlag flag) {
        CounterDataPoint known = closedWell;
        if (flag == ResponseFlag.NONE && known != null) {
            return known;
        }
        CounterDataPoint series = families.closed().labelValues(labels.values(flag));
        if (flag == ResponseFlag.NONE) {
            closedWell = series;
        }
        return series;
    }
}
