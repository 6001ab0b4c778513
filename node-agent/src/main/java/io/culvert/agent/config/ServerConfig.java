package io.culvert.agent.config;

import java.util.Map;

/**
 * A gRPC server of the mesh.
 *
 * @param host a name or an address
 * @param port 1..65535
 * @param plaintext whether it is spoken to without TLS
 * @param rootCa a path, {@code SYSTEM}, or certificates in PEM
 * @param altHostname a further name that its certificate may carry, empty for none
 * @param headers sent with each call, by name
 */
public record ServerConfig(
        String host, int port, boolean plaintext, String rootCa, String altHostname, Map<String, String> headers) {
    public ServerConfig {
        headers = Map.copyOf(headers);
    }

    /** Host and port, as an authority. */
    public String authority() {
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
    }
}
