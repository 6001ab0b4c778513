package io.culvert.shim;

/**
 * A UDP socket to make.
 *
 * @param high first half of the address; {@code ::} (all zero) serves IPv6 and IPv4, or IPv4 alone where there is no IPv6
 * @param low second half of the address; IPv4 in mapped form
 * @param port 0 lets the kernel choose
 * @param reusePort lets a second process of the same user bind beside this one (SO_REUSEPORT)
 * @param mark the packet mark, 0 for none
 */
public record UdpSpec(long high, long low, int port, boolean reusePort, int mark) {
    public UdpSpec {
        Bounds.check("port", port, 0, 65535);
    }
}
