package io.culvert.agent.telemetry;

/** How a stream from the control plane ended; the {@code reason} label. */
public enum XdsTermination {
    /** It never came to be. */
    CONNECTION_ERROR("ConnectionError"),
    /** The control plane refused it, or what it said made no sense. */
    ERROR("Error"),
    /** It broke, as streams do when a server or a network goes away. */
    RECONNECT("Reconnect"),
    /** The control plane ended it in good order. */
    COMPLETE("Complete");

    private final String label;

    XdsTermination(String label) {
        this.label = label;
    }

    public String label() {
        return label;
    }
}
