package io.culvert.protocol.hbone;

/** Why a request cannot be served as a CONNECT. */
public enum RequestFault {
    NOT_CONNECT(400, false, "the method is not CONNECT"),
    AUTHORITY_MALFORMED(400, false, ":authority is not an address or host name with a port"),
    HEADERS_TOO_LARGE(431, false, "the header list is longer than we allow"),
    MALFORMED(400, true, "the header fields break the rules of HTTP/2");

    private final int status;
    private final boolean protocolError;
    private final String sentence;

    RequestFault(int status, boolean protocolError, String sentence) {
        this.status = status;
        this.protocolError = protocolError;
        this.sentence = sentence;
    }

    /** Returns the status for {@link HboneSession#refuse}. */
    public int status() {
        return status;
    }

    /** Says whether the stream is reset with PROTOCOL_ERROR after the status. */
    public boolean isProtocolError() {
        return protocolError;
    }

    /** Returns the fault in words. */
    public String sentence() {
        return sentence;
    }
}
