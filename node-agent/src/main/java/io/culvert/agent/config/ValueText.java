package io.culvert.agent.config;

import io.culvert.protocol.dns.DnsName;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads the values of knobs as people write them.
 *
 * <p>Errors: {@link IllegalArgumentException} whose message says what is wrong and what to write instead, in every
 * method here.
 */
final class ValueText {
    private static final int LENGTH_MAX = 64;
    private static final String NO_ADDRESS =
            "is no address with a port; write for example 127.0.0.1:15053 or [::1]:15053";
    private static final String NO_DOMAIN = "is no domain name; write for example cluster.local";
    private static final Pattern DURATION_PART = Pattern.compile("([0-9]{1,18})\\s*([a-z]+)\\s*");
    private static final Pattern SIZE = Pattern.compile("([0-9]{1,18})\\s*([A-Za-z]*)");
    private static final Pattern CPUS = Pattern.compile("([0-9]{1,6})(?:\\.([0-9]{1,3})[0-9]{0,6})?(m?)");
    private static final Map<String, Long> NANOS_PER_UNIT = Map.of(
            "ns", 1L,
            "us", 1_000L,
            "ms", 1_000_000L,
            "s", 1_000_000_000L,
            "sec", 1_000_000_000L,
            "m", 60_000_000_000L,
            "min", 60_000_000_000L,
            "h", 3_600_000_000_000L,
            "d", 86_400_000_000_000L);
    private static final Map<String, Long> BYTES_PER_UNIT = Map.of(
            "", 1L, "B", 1L, "Ki", 1L << 10, "KiB", 1L << 10, "Mi", 1L << 20, "MiB", 1L << 20, "Gi", 1L << 30, "GiB",
            1L << 30);

    private ValueText() {}

    static boolean bool(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "true" -> true;
            case "false" -> false;
            default -> throw wrong(text, "is neither true nor false; write true or false");
        };
    }

    static long integer(String text) {
        if (text.isEmpty() || text.length() > 18 || !isDigits(text)) {
            throw wrong(text, "is no whole number; write digits only");
        }
        return Long.parseLong(text);
    }

    /** A bare number is seconds. */
    static Duration duration(String text) {
        if (!text.isEmpty() && text.length() <= 12 && isDigits(text)) {
            return Duration.ofNanos(addNanos(text, 0, text, "s"));
        }
        Matcher part = DURATION_PART.matcher(text);
        long nanos = 0;
        int at = 0;
        while (text.length() <= LENGTH_MAX && at < text.length() && part.find(at) && part.start() == at) {
            nanos = addNanos(text, nanos, part.group(1), part.group(2));
            at = part.end();
        }
        if (at == 0 || at < text.length()) {
            throw wrong(text, "is no duration; write for example 500ms, 10s, 5m or 1h30m");
        }
        return Duration.ofNanos(nanos);
    }

    private static long addNanos(String text, long nanos, String count, String unit) {
        Long each = NANOS_PER_UNIT.get(unit);
        if (each == null) {
            throw wrong(text, "has a unit that is unknown; write ns, us, ms, s, m, h or d");
        }
        try {
            return Math.addExact(nanos, Math.multiplyExact(Long.parseLong(count), each));
        } catch (ArithmeticException e) {
            throw wrong(text, "is longer than 292 years; write a shorter duration");
        }
    }

    static long size(String text) {
        Matcher matcher = SIZE.matcher(text);
        if (!matcher.matches()) {
            throw wrong(text, "is no size; write bytes, or for example 64KiB or 4MiB");
        }
        Long each = BYTES_PER_UNIT.get(matcher.group(2));
        if (each == null) {
            throw wrong(text, "has a unit that is unknown; write KiB, MiB or GiB, or bytes without a unit");
        }
        try {
            return Math.multiplyExact(Long.parseLong(matcher.group(1)), each);
        } catch (ArithmeticException e) {
            throw wrong(text, "is too large; write a smaller size");
        }
    }

    /** A CPU quantity in thousandths. */
    static long milliCpus(String text) {
        Matcher matcher = CPUS.matcher(text);
        if (!matcher.matches() || !matcher.group(3).isEmpty() && matcher.group(2) != null) {
            throw wrong(text, "is no CPU quantity; write for example 2, 1.5 or 500m");
        }
        long whole = Long.parseLong(matcher.group(1));
        if (!matcher.group(3).isEmpty()) {
            return whole;
        }
        String fraction = matcher.group(2) == null ? "" : matcher.group(2);
        return whole * 1_000 + Long.parseLong((fraction + "000").substring(0, 3));
    }

    static int wholeCpus(long milliCpus) {
        return Math.toIntExact(Math.ceilDiv(milliCpus, 1_000L));
    }

    /** A number of threads, or a share of the CPUs. */
    static int threads(String text, int cpus) {
        boolean share = text.endsWith("%");
        String digits = share ? text.substring(0, text.length() - 1) : text;
        if (digits.isEmpty() || digits.length() > 4 || !isDigits(digits)) {
            throw wrong(text, "is no number of threads; write for example 4, or 50%, or 0 for one per CPU");
        }
        int number = Integer.parseInt(digits);
        if (share && (number < 1 || number > 1_000)) {
            throw wrong(text, "is not within 1% and 1000%");
        }
        if (share) {
            return Math.max(1, Math.ceilDiv(cpus * number, 100));
        }
        return number == 0 ? cpus : number;
    }

    /** An address and a port, the former in brackets if it has colons. */
    static IpPort ipPort(String text) {
        int colon = text.lastIndexOf(':');
        String host = colon < 0 ? "" : text.substring(0, colon);
        boolean bracketed = host.startsWith("[") && host.endsWith("]");
        try {
            IpAddress ip = IpAddress.parse(bracketed ? host.substring(1, host.length() - 1) : host);
            long port = integer(text.substring(colon + 1));
            if (port > 0 && port <= 65_535 && (ip.isV4() || bracketed)) {
                return new IpPort(ip, (int) port);
            }
        } catch (IllegalArgumentException e) {
            throw wrong(text, NO_ADDRESS);
        }
        throw wrong(text, NO_ADDRESS);
    }

    /** A domain name in small letters, without a dot at the end. */
    static String domain(String text) {
        try {
            DnsName name = DnsName.parse(text);
            if (!name.labels().isEmpty() && name.isPlain()) {
                return name.toString();
            }
        } catch (IllegalArgumentException e) {
            throw wrong(text, NO_DOMAIN);
        }
        throw wrong(text, NO_DOMAIN);
    }

    static IllegalArgumentException wrong(String text, String what) {
        String shown = text.length() <= LENGTH_MAX ? text : text.substring(0, LENGTH_MAX) + "...";
        return new IllegalArgumentException("'" + shown + "' " + what);
    }

    private static boolean isDigits(String text) {
        return text.chars().allMatch(c -> c >= '0' && c <= '9');
    }
}
