package io.culvert.agent.telemetry;

/** Which side of an HBONE tunnel this agent is. */
public enum TunnelRole {
    CLIENT("client"),
    SERVER("server");

    private final String label;

    TunnelRole(String label) {
        this.label = label;
    }

    public String label() {
        return label;
    }
}
