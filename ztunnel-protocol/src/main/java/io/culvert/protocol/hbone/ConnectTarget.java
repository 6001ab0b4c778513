package io.culvert.protocol.hbone;

import io.culvert.protocol.net.IpAddress;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What a CONNECT asks to be connected to: its {@code :authority}.
 *
 * <p>Bounds: a port is 1 to 65535, a host name at most 253 characters of at most 63 per label. Source: RFC 9110, section
 * 9.3.6.
 */
public sealed interface ConnectTarget {
    /** A v6 literal in brackets or a host name, a colon and a port, at their longest. */
    int AUTHORITY_CHARS_MAX = 253 + 1 + 5;

    int port();

    /** Returns the text for {@code :authority}. */
    String authority();

    /** An address; its IPv4-mapped form is the IPv4 address. */
    record IpTarget(IpAddress address, int port) implements ConnectTarget {
        public IpTarget {
            checkPort(port);
        }

        @Override
        public String authority() {
            return address.isV4() ? address + ":" + port : "[" + address + "]:" + port;
        }
    }

    /** A host name, in lower case, that is no address in any notation. */
    record HostTarget(String host, int port) implements ConnectTarget {
        public HostTarget {
            checkPort(port);
            if (!HostName.isValid(host)) {
                throw new IllegalArgumentException("not a host name");
            }
            host = host.toLowerCase(Locale.ROOT);
        }

        @Override
        public String authority() {
            return host + ":" + port;
        }
    }

    /** Parses an authority with an explicit port; null when it is malformed. Nothing is ever resolved. */
    static @Nullable ConnectTarget parse(String authority) {
        int colon = authority.lastIndexOf(':');
        if (colon <= 0 || authority.length() > AUTHORITY_CHARS_MAX) {
            return null;
        }
        int port = port(authority, colon + 1);
        String host = authority.substring(0, colon);
        if (port == 0) {
            return null;
        }
        if (host.charAt(0) == '[') {
            return v6(host, port);
        }
        if (HostName.isValid(host)) {
            return new HostTarget(host, port);
        }
        return host.indexOf(':') < 0 ? ip(host, port) : null;
    }

    private static @Nullable ConnectTarget v6(String host, int port) {
        boolean closed = host.charAt(host.length() - 1) == ']';
        return closed && host.indexOf(':') > 0 ? ip(host.substring(1, host.length() - 1), port) : null;
    }

    private static @Nullable ConnectTarget ip(String literal, int port) {
        try {
            return new IpTarget(IpAddress.parse(literal), port);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    /** Returns the port that stands from {@code from} to the end, or 0: digits only, no leading zero. */
    private static int port(String text, int from) {
        int length = text.length() - from;
        if (length < 1 || length > 5 || text.charAt(from) == '0') {
            return 0;
        }
        int port = 0;
        for (int i = from; i < text.length(); i++) {
            int digit = text.charAt(i) - '0';
            if (digit < 0 || digit > 9) {
                return 0;
            }
            port = port * 10 + digit;
        }
        return port <= 65_535 ? port : 0;
    }

    private static void checkPort(int port) {
        if (port < 1 || port > 65_535) {
            throw new IllegalArgumentException("port " + port + " is not within 1..65535");
        }
    }
}
