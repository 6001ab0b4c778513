package io.culvert.protocol.identity;

/**
 * The SPIFFE id of a Kubernetes-style workload: {@code spiffe://<trust domain>/ns/<namespace>/sa/<service account>}.
 *
 * <p>Bounds: the whole URI at most 2,048 characters; namespace and service account non-empty, of the characters that
 * SPIFFE allows in a path segment, and never {@code .} or {@code ..}.
 *
 * <p>Source: SPIFFE-ID sections 2.1 to 2.3.
 *
 * @param trustDomain the trust domain
 * @param namespace the Kubernetes namespace
 * @param serviceAccount the Kubernetes service account
 */
public record SpiffeId(TrustDomain trustDomain, String namespace, String serviceAccount) {
    public static final int URI_LENGTH_MAX = 2_048;
    private static final String SCHEME = "spiffe://";

    public SpiffeId {
        requireSegment("namespace", namespace);
        requireSegment("service account", serviceAccount);
    }

    /**
     * Parses the URI form.
     *
     * <p>Errors: {@link IllegalArgumentException} that says what is wrong, without repeating hostile text.
     */
    public static SpiffeId parse(String uri) {
        if (uri.length() > URI_LENGTH_MAX) {
            throw new IllegalArgumentException("a SPIFFE id has at most " + URI_LENGTH_MAX + " characters");
        }
        if (!uri.startsWith(SCHEME)) {
            throw new IllegalArgumentException("a SPIFFE id starts with spiffe://");
        }
        String[] parts = uri.substring(SCHEME.length()).split("/", -1);
        if (parts.length != 5 || !parts[1].equals("ns") || !parts[3].equals("sa")) {
            throw new IllegalArgumentException("a SPIFFE id has the path /ns/<namespace>/sa/<service account>");
        }
        return new SpiffeId(new TrustDomain(parts[0]), parts[2], parts[4]);
    }

    public String uri() {
        return SCHEME + principal();
    }

    /** The URI without {@code spiffe://}, as policies spell principals. */
    public String principal() {
        return trustDomain.name() + "/ns/" + namespace + "/sa/" + serviceAccount;
    }

    private static void requireSegment(String what, String text) {
        if (text.isEmpty() || text.equals(".") || text.equals("..")) {
            throw new IllegalArgumentException("the " + what + " of a SPIFFE id may not be empty, '.' or '..'");
        }
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean allowed = c >= 'a' && c <= 'z'
                    || c >= 'A' && c <= 'Z'
                    || c >= '0' && c <= '9'
                    || c == '.'
                    || c == '-'
                    || c == '_';
            if (!allowed) {
                throw new IllegalArgumentException("the " + what + " of a SPIFFE id has only letters, digits, . - _");
            }
        }
    }

    @Override
    public String toString() {
        return uri();
    }
}
