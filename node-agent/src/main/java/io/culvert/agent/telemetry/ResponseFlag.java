package io.culvert.agent.telemetry;

/**
 * The values of the {@code response_flags} label, few so that dashboards can list them.
 *
 * <p>Other agents have one more, for a certificate that no TLS can be made of; here such a one is refused when it is
 * issued.
 */
public enum ResponseFlag {
    NONE("-"),
    DENY("DENY"),
    CONNECT("CONNECT"),
    H2_HANDSHAKE_FAILURE("H2_HANDSHAKE_FAILURE"),
    NETWORK_POLICY("NETWORK_POLICY"),
    IDENTITY_ERROR("IDENTITY_ERROR"),
    CERT_REVOKED("CERT_REVOKED");

    private final String label;

    ResponseFlag(String label) {
        this.label = label;
    }

    public String label() {
        return label;
    }
}
