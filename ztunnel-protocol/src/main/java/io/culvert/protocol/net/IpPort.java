package io.culvert.protocol.net;

/**
 * An IP address and a TCP or UDP port.
 *
 * @param ip the address
 * @param port 0..65535
 */
public record IpPort(IpAddress ip, int port) {
    public IpPort {
        if (port < 0 || port > 65_535) {
            throw new IllegalArgumentException("port " + port + " is not within 0..65535");
        }
    }

    public static IpPort of(long high, long low, int port) {
        return new IpPort(new IpAddress(high, low), port);
    }

    /** {@code a.b.c.d:port} or {@code [v6]:port}. */
    @Override
    public String toString() {
        return ip.isV4() ? ip + ":" + port : "[" + ip + "]:" + port;
    }
}
