package io.culvert.protocol.hbone;

import io.culvert.protocol.hbone.hpack.HeaderSink;
import org.jspecify.annotations.Nullable;

/**
 * The fields of one header block that HBONE looks at, and whether the block keeps the rules of HTTP/2.
 *
 * <p>Bounds: keeps one value per known name, each within its own maximum. Source: RFC 9113, sections 8.2 and 8.3.
 */
final class HeaderFields implements HeaderSink {
    private static final int BAGGAGE_LINES_MAX = 16;

    @Nullable
    String method;

    @Nullable
    String authority;

    @Nullable
    String scheme;

    @Nullable
    String path;

    @Nullable
    String status;

    @Nullable
    String baggage;

    @Nullable
    String forwarded;

    @Nullable
    String traceparent;

    @Nullable
    String network;

    boolean malformed;
    /** Any pseudo-header was there, known or not. */
    boolean pseudo;

    private boolean regular;
    private int baggageLines;

    @Override
    public void header(String name, String value) {
        boolean isPseudo = !name.isEmpty() && name.charAt(0) == ':';
        if (!FieldText.isName(isPseudo ? name.substring(1) : name) || !FieldText.isValue(value)) {
            malformed = true;
        } else if (isPseudo) {
            pseudo = true;
            malformed |= regular;
            pseudo(name, value);
        } else {
            regular = true;
            regular(name, value);
        }
    }

    private void pseudo(String name, String value) {
        switch (name) {
            case ":method" -> method = once(method, value);
            case ":authority" -> authority = once(authority, value);
            case ":scheme" -> scheme = once(scheme, value);
            case ":path" -> path = once(path, value);
            case ":status" -> status = once(status, value);
            default -> malformed = true;
        }
    }

    private void regular(String name, String value) {
        switch (name) {
            case "baggage" -> baggage(value);
            case "forwarded" -> forwarded = first(forwarded, value, ConnectRequest.FORWARDED_CHARS_MAX);
            case "traceparent" -> traceparent = first(traceparent, value, ConnectRequest.TRACEPARENT_CHARS_MAX);
            case "x-forwarded-network" -> network = first(network, value, ConnectRequest.NETWORK_CHARS_MAX);
            case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade" -> malformed = true;
            case "te" -> malformed |= !value.equals("trailers");
            default -> {}
        }
    }

    /** Joins lines, of which a peer could make many from few octets; past the bounds there is no baggage. */
    private void baggage(String value) {
        baggageLines++;
        if (baggageLines == 1) {
            baggage = bounded(value, ConnectRequest.BAGGAGE_CHARS_MAX);
        } else if (baggage != null && baggageLines <= BAGGAGE_LINES_MAX) {
            baggage = bounded(baggage + "," + value, ConnectRequest.BAGGAGE_CHARS_MAX);
        } else {
            baggage = null;
        }
    }

    private String once(@Nullable String before, String value) {
        malformed |= before != null;
        return value;
    }

    private static @Nullable String first(@Nullable String before, String value, int charsMax) {
        return before != null ? before : bounded(value, charsMax);
    }

    private static @Nullable String bounded(String value, int charsMax) {
        return value.length() <= charsMax ? value : null;
    }
}
