package io.culvert.shim;

/**
 * A TCP listener to make.
 *
 * @param high first half of the address; {@code ::} (all zero) serves IPv6 and IPv4, or IPv4 alone where there is no IPv6
 * @param low second half of the address; IPv4 in mapped form
 * @param port 0 lets the kernel choose
 * @param backlog connections that may wait to be accepted, 1..65535
 * @param transparency whether accepted connections may be spoken to under foreign addresses
 * @param reusePort lets a second process of the same user listen beside this one (SO_REUSEPORT), as in an upgrade
 * @param mark the packet mark, 0 for none
 */
public record ListenSpec(
        long high, long low, int port, int backlog, Transparency transparency, boolean reusePort, int mark) {
    /** What IP_TRANSPARENT is worth to the caller. */
    public enum Transparency {
        /** Not set. */
        NEVER,
        /** Set where permitted; {@link SocketFactory#isTransparent} tells. */
        BEST_EFFORT,
        /** Set, or the listener is not made. */
        REQUIRED
    }

    public ListenSpec {
        Bounds.check("port", port, 0, 65535);
        Bounds.check("backlog", backlog, 1, 65535);
    }

    int flags() {
        int reuse = reusePort ? Scratch.REUSEPORT : 0;
        return switch (transparency) {
            case NEVER -> reuse;
            case BEST_EFFORT -> reuse | Scratch.TRANSPARENT;
            case REQUIRED -> reuse | Scratch.TRANSPARENT | Scratch.TRANSPARENT_REQUIRED;
        };
    }
}
