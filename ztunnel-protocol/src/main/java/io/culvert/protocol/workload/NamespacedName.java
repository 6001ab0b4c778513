package io.culvert.protocol.workload;

/**
 * A namespace and a name within it: a service's hostname, or a policy.
 *
 * @param namespace non-empty, without {@code /}; empty where a policy's name has no such form
 * @param name non-empty, without {@code /}; or the whole name of such a policy
 */
public record NamespacedName(String namespace, String name) {
    /**
     * Parses {@code namespace/name}.
     *
     * <p>Errors: {@link IllegalArgumentException} unless there is exactly one slash with text on both sides.
     */
    public static NamespacedName parse(String text) {
        int slash = text.indexOf('/');
        if (!hasBothParts(text, slash)) {
            throw new IllegalArgumentException("expected namespace/name");
        }
        return new NamespacedName(text.substring(0, slash), text.substring(slash + 1));
    }

    /** The name of a policy, whatever its form: workloads select policies by the very text. */
    public static NamespacedName ofPolicy(String text) {
        int slash = text.indexOf('/');
        return hasBothParts(text, slash)
                ? new NamespacedName(text.substring(0, slash), text.substring(slash + 1))
                : new NamespacedName("", text);
    }

    private static boolean hasBothParts(String text, int slash) {
        return slash > 0 && slash < text.length() - 1 && text.indexOf('/', slash + 1) < 0;
    }

    @Override
    public String toString() {
        return namespace.isEmpty() ? name : namespace + "/" + name;
    }
}
