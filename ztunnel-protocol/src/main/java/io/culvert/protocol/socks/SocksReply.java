package io.culvert.protocol.socks;

/**
 * What a SOCKS client is answered: two bytes for its greeting, ten for its request. The protocol's other codes tell how a connection
 * failed, which is opened only after the answer.
 *
 * <table>
 * <caption>The answer to a request</caption>
 * <tr><th>offset</th><th>size</th><th>what</th></tr>
 * <tr><td>0</td><td>1</td><td>version, 5</td></tr>
 * <tr><td>1</td><td>1</td><td>code</td></tr>
 * <tr><td>2</td><td>1</td><td>0</td></tr>
 * <tr><td>3</td><td>1</td><td>type of the bound address, 1 for IPv4</td></tr>
 * <tr><td>4</td><td>4</td><td>bound address, 0.0.0.0: what is bound is not told</td></tr>
 * <tr><td>8</td><td>2</td><td>bound port, 0</td></tr>
 * </table>
 *
 * <p>Source: RFC 1928 sections 3 and 6.
 */
public enum SocksReply {
    /** It need not authenticate, and may go on. */
    NO_AUTHENTICATION(0, 2),
    /**
     * None of the methods that it offers will do; it has asked for nothing yet, so no code of a request's
     * answer fits.
     */
    NO_METHOD(0xff, 2),
    /** Whatever is sent from now on is the destination's. */
    SUCCEEDED(0, 10),
    /** The agent cannot serve it now. */
    GENERAL_FAILURE(1, 10),
    /** Nobody may be connected to that destination. */
    NOT_ALLOWED(2, 10),
    /** The name cannot be resolved. */
    HOST_UNREACHABLE(4, 10),
    /** It is no request that can be served: malformed, or no CONNECT. */
    COMMAND_NOT_SUPPORTED(7, 10);

    private static final byte VERSION = 5;
    private static final byte IPV4 = 1;

    private final int code;
    private final int length;

    SocksReply(int code, int length) {
        this.code = code;
        this.length = length;
    }

    /** On the wire. */
    public byte[] bytes() {
        byte[] bytes = new byte[length];
        bytes[0] = VERSION;
        bytes[1] = (byte) code;
        if (length > 3) {
            bytes[3] = IPV4;
        }
        return bytes;
    }
}
