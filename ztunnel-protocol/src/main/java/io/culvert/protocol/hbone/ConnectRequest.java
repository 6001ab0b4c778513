package io.culvert.protocol.hbone;

import org.jspecify.annotations.Nullable;

/**
 * A CONNECT as HBONE sends it: where to, and who asks in whose words.
 *
 * <p>The headers are kept raw; {@link Baggage}, {@link Forwarded} and {@link TraceParent} read and write them. All of
 * them are claims of the peer: fit for telemetry, never for identity.
 *
 * <p>Bounds: each header by the constant of its name; a received header past it counts as absent.
 *
 * @param authority where the connection is to go
 * @param baggage several lines joined with commas
 * @param xForwardedNetwork the network of the original source, possibly empty
 */
public record ConnectRequest(
        ConnectTarget authority,
        @Nullable String baggage,
        @Nullable String forwarded,
        @Nullable String traceparent,
        @Nullable String xForwardedNetwork) {
    public static final int BAGGAGE_CHARS_MAX = 4096;
    public static final int FORWARDED_CHARS_MAX = 1024;
    public static final int TRACEPARENT_CHARS_MAX = 128;
    public static final int NETWORK_CHARS_MAX = 256;

    public ConnectRequest {
        FieldText.check("baggage", baggage, BAGGAGE_CHARS_MAX);
        FieldText.check("forwarded", forwarded, FORWARDED_CHARS_MAX);
        FieldText.check("traceparent", traceparent, TRACEPARENT_CHARS_MAX);
        FieldText.check("x-forwarded-network", xForwardedNetwork, NETWORK_CHARS_MAX);
    }

    /** The same, from another network. */
    public ConnectRequest from(String network) {
        return new ConnectRequest(authority, baggage, forwarded, traceparent, network);
    }

    /** Makes a request that carries nothing but its target. */
    public static ConnectRequest to(ConnectTarget authority) {
        return new ConnectRequest(authority, null, null, null, null);
    }
}
