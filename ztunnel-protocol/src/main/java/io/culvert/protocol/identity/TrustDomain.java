package io.culvert.protocol.identity;

/**
 * The trust domain of a SPIFFE id.
 *
 * <p>Bounds: 1..255 characters of {@code A-Z a-z 0-9 . - _}.
 *
 * <p>Source: SPIFFE-ID section 2.1, which knows no capitals; meshes that are named with some are observed to prove and
 * to compare them as they are written, hence two names that differ in them are two trust domains.
 *
 * @param name as it is written
 */
public record TrustDomain(String name) {
    public static final TrustDomain CLUSTER_LOCAL = new TrustDomain("cluster.local");

    public TrustDomain {
        if (name.isEmpty() || name.length() > 255) {
            throw new IllegalArgumentException("a trust domain has 1..255 characters, not " + name.length());
        }
        for (int i = 0; i < name.length(); i++) {
            if (!allowed(name.charAt(i))) {
                throw new IllegalArgumentException("a trust domain has only letters, digits, '.', '-' and '_'");
            }
        }
    }

    /** The same as the constructor, but every {@code cluster.local} is one object. */
    public static TrustDomain of(String name) {
        return name.equals(CLUSTER_LOCAL.name) ? CLUSTER_LOCAL : new TrustDomain(name);
    }

    private static boolean allowed(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_';
    }

    @Override
    public String toString() {
        return name;
    }
}
