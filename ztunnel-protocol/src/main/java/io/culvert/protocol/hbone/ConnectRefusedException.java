package io.culvert.protocol.hbone;

/**
 * A stream that this session cannot open, although another one could.
 *
 * <p>Errors: carries no stack trace: it is an everyday outcome on the data path.
 */
public final class ConnectRefusedException extends Exception {
    private static final long serialVersionUID = 1L;

    /** Why no stream can be opened. */
    public enum Reason {
        /** As many streams are open as the peer and we allow. */
        STREAM_LIMIT,
        /** A GOAWAY was sent or received. */
        DRAINING,
        /** The session ended with a connection error. */
        FAILED,
        /** The connection has used up its stream ids. */
        STREAM_IDS_EXHAUSTED,
        /** Too many control frames wait for the peer to read. */
        OUTPUT_FULL,
        /** The request is larger than the peer's SETTINGS_MAX_HEADER_LIST_SIZE. */
        HEADERS_TOO_LARGE
    }

    private final Reason reason;

    ConnectRefusedException(Reason reason) {
        super(reason.name(), null, false, false);
        this.reason = reason;
    }

    /** Returns why. */
    public Reason reason() {
        return reason;
    }
}
