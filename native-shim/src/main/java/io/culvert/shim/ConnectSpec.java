package io.culvert.shim;

/**
 * The options of a connected TCP socket, the same for many connections.
 *
 * @param mark the packet mark, 0 for none
 * @param keepalive TCP keepalive, or {@link Keepalive#OFF}
 * @param userTimeoutMillis how long sent data may stay unacknowledged (TCP_USER_TIMEOUT), 0 for the kernel's own
 * @param noDelay TCP_NODELAY
 */
public record ConnectSpec(int mark, Keepalive keepalive, int userTimeoutMillis, boolean noDelay) {
    /**
     * TCP keepalive; the bounds are the kernel's.
     *
     * @param idleSeconds silence before the first probe, 0 to leave keepalive off
     * @param intervalSeconds between probes
     * @param probes unanswered probes that end the connection
     */
    public record Keepalive(int idleSeconds, int intervalSeconds, int probes) {
        public static final Keepalive OFF = new Keepalive(0, 0, 0);

        public Keepalive {
            Bounds.check("idleSeconds", idleSeconds, 0, 32767);
            Bounds.check("intervalSeconds", intervalSeconds, idleSeconds == 0 ? 0 : 1, 32767);
            Bounds.check("probes", probes, idleSeconds == 0 ? 0 : 1, 127);
        }
    }

    public ConnectSpec {
        Bounds.check("userTimeoutMillis", userTimeoutMillis, 0, Integer.MAX_VALUE);
    }
}
