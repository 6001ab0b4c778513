package io.culvert.protocol.dns;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A domain name, its letters small, without the root's dot.
 *
 * <p>Bounds: labels of 1..63 bytes, 255 bytes on the wire. Bytes beyond ASCII are characters of the same number.
 *
 * @param labels the most specific first; none for the root
 */
public record DnsName(List<String> labels) {
    static final int WIRE_BYTES_MAX = 255;
    static final int LABEL_BYTES_MAX = 63;

    public DnsName {
        labels = List.copyOf(labels);
        int bytes = 1;
        for (String label : labels) {
            if (label.isEmpty() || label.length() > LABEL_BYTES_MAX) {
                throw new IllegalArgumentException("a label has 1..63 bytes, not " + label.length());
            }
            bytes += 1 + label.length();
        }
        if (bytes > WIRE_BYTES_MAX) {
            throw new IllegalArgumentException("a name has at most 255 bytes, not " + bytes);
        }
    }

    /** From its dotted form, which may end in a dot. */
    public static DnsName parse(String dotted) {
        String text = dotted.endsWith(".") ? dotted.substring(0, dotted.length() - 1) : dotted;
        return new DnsName(
                text.isEmpty()
                        ? List.of()
                        : Arrays.stream(text.split("\\.", -1))
                                .map(DnsName::small)
                                .toList());
    }

    /** The letters A to Z made small, and no others: a name knows no language. */
    static String small(String label) {
        StringBuilder small = new StringBuilder(label.length());
        for (int i = 0; i < label.length(); i++) {
            small.append((char) small(label.charAt(i)));
        }
        return small.toString();
    }

    static int small(int character) {
        return character >= 'A' && character <= 'Z' ? character + ('a' - 'A') : character;
    }

    /** Whether its dotted form means no other name: labels of visible ASCII without dots. */
    public boolean isPlain() {
        return labels.stream().allMatch(label -> label.chars().allMatch(c -> c > ' ' && c <= '~' && c != '.'));
    }

    /** The part before a suffix; null unless the suffix is one and leaves something. */
    public @Nullable DnsName before(DnsName suffix) {
        int left = labels.size() - suffix.labels.size();
        return left > 0 && labels.subList(left, labels.size()).equals(suffix.labels)
                ? new DnsName(labels.subList(0, left))
                : null;
    }

    /** The dotted form, without a dot at the end. */
    @Override
    public String toString() {
        return String.join(".", labels);
    }
}
