package io.culvert.cni.redirect;

import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.List;

/**
 * What a pod's namespace shall redirect, and where to.
 *
 * @param ports the agent's listeners in the pod's namespace
 * @param marks what tells the agent's own packets from the application's
 * @param probes the source addresses of the node's health probes, which go straight to the application
 * @param options what this one pod asks for
 * @param ipv6 whether IPv6 is captured; if not, nothing of ours is in its way
 */
public record RedirectSpec(Ports ports, Marks marks, Probes probes, Options options, boolean ipv6) {
    private static final int VIRTUAL_INTERFACES_MAX = 32;
    private static final RedirectSpec STANDARD =
            new RedirectSpec(Ports.STANDARD, Marks.STANDARD, Probes.STANDARD, Options.STANDARD, true);

    /** The ports and marks that every node agent of this mesh kind uses, both families, DNS not captured. */
    public static RedirectSpec standard() {
        return STANDARD;
    }

    /** This with other options. */
    public RedirectSpec with(Options changed) {
        return new RedirectSpec(ports, marks, probes, changed, ipv6);
    }

    /** This without IPv6. */
    public RedirectSpec withoutIpv6() {
        return new RedirectSpec(ports, marks, probes, options, false);
    }

    /** The families captured. */
    public List<Family> families() {
        return ipv6 ? List.of(Family.V4, Family.V6) : List.of(Family.V4);
    }

    /** The agent's listeners: captured outbound TCP, captured inbound plaintext, HBONE, DNS. */
    public record Ports(int outbound, int inboundPlaintext, int hbone, int dns) {
        /** 15001, 15006, 15008, 15053. */
        public static final Ports STANDARD = new Ports(15001, 15006, 15008, 15053);

        /** Refuses what is not a port. */
        public Ports {
            for (int port : new int[] {outbound, inboundPlaintext, hbone, dns}) {
                if (port < 1 || port > 65535) {
                    throw new IllegalArgumentException("not a port: " + port);
                }
            }
        }
    }

    /**
     * The packet mark on every socket of the agent's, the connection mark on what it opens towards the application (restored on
     * the replies), and the bits of the mark that are ours.
     */
    public record Marks(int packet, int connection, int mask) {
        /** 0x539 and 0x111 in the lowest twelve bits. */
        public static final Marks STANDARD = new Marks(0x539, 0x111, 0xfff);

        /** Refuses marks that cannot be told apart. */
        public Marks {
            if (packet == connection || packet == 0 || connection == 0 || ((packet | connection) & ~mask) != 0) {
                throw new IllegalArgumentException("marks must differ, not be 0 and lie in the mask: " + hex(packet)
                        + " " + hex(connection) + " " + hex(mask));
            }
        }

        private static String hex(int mark) {
            return "0x" + Integer.toHexString(mark);
        }

        String packetMatch() {
            return hex(packet) + "/" + hex(mask);
        }

        String connectionMatch() {
            return hex(connection) + "/" + hex(mask);
        }
    }

    /** The addresses that a node's probes come from, after translation on the node. */
    public record Probes(Inet4Address v4, Inet6Address v6) {
        /** The link-local and unique-local address that are known for this purpose. */
        public static final Probes STANDARD = of("169.254.7.127", "fd16:9254:7127:1337:ffff:ffff:ffff:ffff");

        /** Reads both addresses. */
        public static Probes of(String v4, String v6) {
            if (InetAddress.ofLiteral(v4) instanceof Inet4Address four
                    && InetAddress.ofLiteral(v6) instanceof Inet6Address six) {
                return new Probes(four, six);
            }
            throw new IllegalArgumentException("not an IPv4 and an IPv6 address: " + v4 + ", " + v6);
        }

        String prefix(Family family) {
            InetAddress address = family == Family.V4 ? v4 : v6;
            return address.getHostAddress() + family.hostWidth();
        }
    }

    /**
     * What one pod asks for.
     *
     * @param tcp whether its TCP goes to the agent; otherwise nobody there takes any, and only DNS is captured
     * @param dns whether its DNS queries go to the agent's DNS proxy
     * @param bypassInbound "ingress mode": inbound plaintext is not captured, everything else is
     * @param virtualInterfaces interfaces of machines nested in the pod, whose inbound TCP is outbound traffic
     */
    public record Options(boolean tcp, boolean dns, boolean bypassInbound, List<String> virtualInterfaces) {
        /** TCP, and nothing out of the ordinary. */
        public static final Options STANDARD = new Options(true, false, false, List.of());

        /** DNS and nothing else. */
        public static final Options DNS_ALONE = new Options(false, true, false, List.of());

        /** Refuses to capture nothing, what no interface can be called, and more interfaces than anybody has. */
        public Options {
            if (!tcp && !dns) {
                throw new IllegalArgumentException("nothing is to be captured");
            }
            virtualInterfaces = List.copyOf(virtualInterfaces);
            if (virtualInterfaces.size() > VIRTUAL_INTERFACES_MAX) {
                throw new IllegalArgumentException("more than " + VIRTUAL_INTERFACES_MAX + " virtual interfaces");
            }
            for (String name : virtualInterfaces) {
                if (!name.matches("[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}")) {
                    throw new IllegalArgumentException("not the name of an interface: " + name);
                }
            }
        }

        /** This with DNS captured or not. */
        public Options withDns(boolean captured) {
            return new Options(tcp, captured, bypassInbound, virtualInterfaces);
        }

        /** This in ingress mode or not. */
        public Options withBypassInbound(boolean bypassed) {
            return new Options(tcp, dns, bypassed, virtualInterfaces);
        }

        /** This with other virtual interfaces. */
        public Options withVirtualInterfaces(List<String> names) {
            return new Options(tcp, dns, bypassInbound, names);
        }
    }
}
