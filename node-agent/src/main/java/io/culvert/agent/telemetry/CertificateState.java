package io.culvert.agent.telemetry;

/** What became of a workload's certificate. */
public enum CertificateState {
    INITIALIZING("initializing"),
    AVAILABLE("available"),
    UNAVAILABLE("unavailable");

    private final String label;

    CertificateState(String label) {
        this.label = label;
    }

    public String label() {
        return label;
    }
}
