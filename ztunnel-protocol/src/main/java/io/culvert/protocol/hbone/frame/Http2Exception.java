package io.culvert.protocol.hbone.frame;

import org.jspecify.annotations.Nullable;

/**
 * A connection error (RFC 9113, section 5.4.1): the peer broke a rule in a way that ends the whole connection.
 *
 * <p>Errors: carries no stack trace, since a hostile peer decides how often it is made.
 */
public final class Http2Exception extends Exception {
    private static final long serialVersionUID = 1L;

    private final int code;
    private final @Nullable AbuseKind kind;

    /** Makes an error with its {@link Http2Code} and a detail fit for GOAWAY's debug data. */
    public Http2Exception(int code, String detail) {
        this(code, detail, null);
    }

    /** Makes the error of a flood. */
    public Http2Exception(AbuseKind kind, String detail) {
        this(Http2Code.ENHANCE_YOUR_CALM, detail, kind);
    }

    private Http2Exception(int code, String detail, @Nullable AbuseKind kind) {
        super(detail, null, false, false);
        this.code = code;
        this.kind = kind;
    }

    /** Returns the code for GOAWAY. */
    public int code() {
        return code;
    }

    /** Returns what the detail says. */
    public String detail() {
        String message = getMessage();
        return message == null ? "" : message;
    }

    /** Returns the flood that was stopped, or null for any other error. */
    public @Nullable AbuseKind kind() {
        return kind;
    }
}
