package io.culvert.protocol.identity;

/**
 * The trust domain of a SPIFFE id.
 *
 * <p>Bounds: 1..255 characters of {@code a-z 0-9 . - _}.
 *
 * <p>Source: SPIFFE-ID section 2.1.
 *
 * @param name lower-case name
 */
public record TrustDomain(String name) {
    public static final TrustDomain CLUSTER_LOCAL = new TrustDomain("cluster.local");

    public TrustDomain {
        if (name.isEmpty() || name.length() > 255) {
            throw new IllegalArgumentException("a trust domain has 1..255 characters, not " + name.length());
        }
        for (int i = 0; i < name.length(); i++) {
            if (!allowed(name.charAt(i))) {
                throw new IllegalArgumentException("a trust domain has only a-z, 0-9, '.', '-' and '_'");
            }
        }
    }

    /** The same as the constructor, but every {@code cluster.local} is one object. */
    public static TrustDomain of(String name) {
        return name.equals(CLUSTER_LOCAL.name) ? CLUSTER_LOCAL : new TrustDomain(name);
    }

    private static boolean allowed(char c) {
        return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_';
    }

    @Override
    public String toString() {
        return name;
    }
}
