package io.culvert.protocol.workload;

/**
 * A namespace and a name within it: a service's hostname, or a policy.
 *
 * @param namespace non-empty, without {@code /}
 * @param name non-empty, without {@code /}
 */
public record NamespacedName(String namespace, String name) {
    /**
     * Parses {@code namespace/name}.
     *
     * <p>Errors: {@link IllegalArgumentException} unless there is exactly one slash with text on both sides.
     */
    public static NamespacedName parse(String text) {
        int slash = text.indexOf('/');
        if (slash <= 0 || slash == text.length() - 1 || text.indexOf('/', slash + 1) >= 0) {
            throw new IllegalArgumentException("expected namespace/name");
        }
        return new NamespacedName(text.substring(0, slash), text.substring(slash + 1));
    }

    @Override
    public String toString() {
        return namespace + "/" + name;
    }
}
