package io.culvert.agent.telemetry;

import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.datapoints.DistributionDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Histogram;

/**
 * The series of one set of DNS labels. What is counted first of a kind makes its series, so that there is none of what never
 * happened.
 *
 * <p>Runs on: any.
 */
final class DnsCounters {
    private static final double NANOS_PER_SECOND = 1e9;

    private final DnsLabels labels;
    private final Families families;
    private final CounterDataPoint requests;

    /** The families that have series of DNS labels. */
    record Families(Counter requests, Counter passedOn, Counter failures, Histogram duration) {}

    DnsCounters(DnsLabels labels, Families families) {
        this.labels = labels;
        this.families = families;
        this.requests = families.requests().labelValues(labels.values());
    }

    void request() {
        requests.inc();
    }

    void passedOn() {
        families.passedOn().labelValues(labels.values()).inc();
    }

    void upstreamEnded(long tookNanos, boolean failed) {
        DistributionDataPoint duration = families.duration().labelValues(labels.values());
        duration.observe(tookNanos / NANOS_PER_SECOND);
        if (failed) {
            families.failures().labelValues(labels.values()).inc();
        }
    }
}
