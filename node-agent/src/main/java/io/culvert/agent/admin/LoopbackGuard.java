package io.culvert.agent.admin;

import io.culvert.protocol.net.IpAddress;
import java.util.Locale;
import java.util.Optional;

/**
 * Refuses what a web page in a browser on this machine could send to the admin port: requests that name another host
 * (a name that was made to resolve to loopback), and changes asked for by another origin. Browsers always name a host.
 */
final class LoopbackGuard {
    private LoopbackGuard() {}

    /** Empty when the request may be served. */
    static Optional<Reply> check(Request request) {
        String host = request.header("host");
        if (!host.isEmpty() && !isLoopback(host)) {
            return Optional.of(Reply.text(403, "refused: the Host header must name localhost or a loopback address\n"));
        }
        String origin = request.header("origin");
        int authority = origin.indexOf("//");
        if (!origin.isEmpty() && (authority < 0 || !isLoopback(origin.substring(authority + 2)))) {
            return Optional.of(Reply.text(403, "refused: another site's page may not use this port\n"));
        }
        return Optional.empty();
    }

    /** Whether {@code host}, {@code host:port} or {@code [v6]:port} names this machine's loopback. */
    static boolean isLoopback(String hostAndPort) {
        String host = host(hostAndPort.trim().toLowerCase(Locale.ROOT));
        if (host.equals("localhost") || host.equals("localhost.")) {
            return true;
        }
        try {
            return IpAddress.parse(host).isLoopback();
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static String host(String hostAndPort) {
        if (hostAndPort.startsWith("[")) {
            int end = hostAndPort.indexOf(']');
            boolean whole = end == hostAndPort.length() - 1;
            boolean withPort = end > 0 && !whole && isPort(hostAndPort.substring(end + 1));
            return whole || withPort ? hostAndPort.substring(1, end) : "";
        }
        int colon = hostAndPort.indexOf(':');
        if (colon < 0) {
            return hostAndPort;
        }
        return isPort(hostAndPort.substring(colon)) ? hostAndPort.substring(0, colon) : "";
    }

    private static boolean isPort(String text) {
        return text.matches(":[0-9]{1,5}");
    }
}
