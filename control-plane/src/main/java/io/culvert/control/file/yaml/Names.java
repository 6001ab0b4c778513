package io.culvert.control.file.yaml;

/**
 * Names as Kubernetes allows them, each as a parser for {@link Field#parsed}.
 *
 * <p>Every name here is also a valid segment of a SPIFFE id and holds no {@code /}.
 *
 * <p>Source: RFC 1123 section 2.1; the Kubernetes rules for object names and label values.
 */
public final class Names {
    public static final String LABEL_FIX = "use 1..63 of a-z, 0-9 and '-', beginning and ending with a letter or digit";
    public static final String SUBDOMAIN_FIX =
            "use 1..253 of a-z, 0-9, '-' and '.', each part beginning and ending with a letter or digit";

    private Names() {}

    /** A namespace. */
    public static String label(String text) {
        if (!isLabel(text)) {
            throw new IllegalArgumentException("'" + Problems.shown(text) + "' is not a name of one part");
        }
        return text;
    }

    /** The name of a pod, service account, service or policy. */
    public static String subdomain(String text) {
        if (!isSubdomain(text)) {
            throw new IllegalArgumentException("'" + Problems.shown(text) + "' is not a name");
        }
        return text;
    }

    /** A service's hostname, possibly {@code *.x}. */
    public static String hostname(String text) {
        if (!isSubdomain(text.startsWith("*.") ? text.substring(2) : text)) {
            throw new IllegalArgumentException("'" + Problems.shown(text) + "' is not a hostname");
        }
        return text;
    }

    private static boolean isSubdomain(String text) {
        if (text.isEmpty() || text.length() > 253) {
            return false;
        }
        for (String part : text.split("\\.", -1)) {
            if (!isLabel(part)) {
                return false;
            }
        }
        return true;
    }

    private static boolean isLabel(String text) {
        if (text.isEmpty() || text.length() > 63 || text.startsWith("-") || text.endsWith("-")) {
            return false;
        }
        return text.chars().allMatch(c -> c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-');
    }
}
