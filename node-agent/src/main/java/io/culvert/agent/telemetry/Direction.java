package io.culvert.agent.telemetry;

/** Which end of a connection this agent stands at. */
public enum Direction {
    /** Towards one of our pods: we report as the destination. */
    INBOUND("inbound", "destination"),
    /** From one of our pods: we report as the source. */
    OUTBOUND("outbound", "source");

    private final String label;
    private final String reporter;

    Direction(String label, String reporter) {
        this.label = label;
        this.reporter = reporter;
    }

    /** As the access log spells it. */
    public String label() {
        return label;
    }

    /** As the {@code reporter} label of metrics spells it. */
    public String reporter() {
        return reporter;
    }
}
