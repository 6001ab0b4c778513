package io.culvert.testkit;

import java.net.InetAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * One network namespace of a lab: a node, a pod on a node, or a host outside.
 *
 * @param name what the test calls it
 * @param netnsName the name under /run/netns, unique on the machine
 * @param node the node that a pod lives on
 * @param ipv4 its address on eth0
 * @param ipv6 its address on eth0, unless the lab has no IPv6
 */
public record Netns(
        String name, String netnsName, Optional<String> node, InetAddress ipv4, Optional<InetAddress> ipv6) {
    /** The file that stands for the namespace. */
    public Path path() {
        return Path.of("/run/netns", netnsName);
    }

    /** Its IPv6 address; fails in a lab without IPv6. */
    public InetAddress v6() {
        return ipv6.orElseThrow(() -> new IllegalStateException("this lab has no IPv6"));
    }

    /** All its addresses, IPv4 first. */
    public List<InetAddress> addresses() {
        return ipv6.map(v6 -> List.of(ipv4, v6)).orElse(List.of(ipv4));
    }

    /** The command that runs another one inside; it becomes that command, so the pid is that command's. */
    public List<String> enter() {
        return List.of("nsenter", "--net=" + path());
    }
}
