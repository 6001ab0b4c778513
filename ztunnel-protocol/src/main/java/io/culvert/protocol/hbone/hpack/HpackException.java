package io.culvert.protocol.hbone.hpack;

/**
 * A header block that cannot be decoded; the shared compression state is lost with it, and so is the connection.
 *
 * <p>Errors: carries no stack trace, since a hostile peer decides how often it is made.
 */
public final class HpackException extends Exception {
    private static final long serialVersionUID = 1L;

    HpackException(String detail) {
        super(detail, null, false, false);
    }
}
