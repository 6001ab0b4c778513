package io.culvert.agent.telemetry;

/** How a connection is carried between two nodes. */
public enum Carriage {
    /** As it came. */
    TCP("TCP"),
    /** In a stream of a tunnel. */
    HBONE("HBONE"),
    /** In a tunnel within a gateway's tunnel. */
    DOUBLE_HBONE("DOUBLEHBONE");

    private final String label;

    Carriage(String label) {
        this.label = label;
    }

    /** The word that dumps show. */
    public String label() {
        return label;
    }
}
