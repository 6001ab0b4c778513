package io.culvert.agent.telemetry;

/** What a metric's values mean. */
public enum MetricKind {
    COUNTER("counter"),
    GAUGE("gauge"),
    HISTOGRAM("histogram");

    private final String label;

    MetricKind(String label) {
        this.label = label;
    }

    public String label() {
        return label;
    }
}
