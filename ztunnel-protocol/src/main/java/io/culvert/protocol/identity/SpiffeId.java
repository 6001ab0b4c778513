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
    private static final String NAMESPACE = "/ns/";
    private static final String ACCOUNT = "/sa/";

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
        return new SpiffeId(TrustDomain.of(parts[0]), parts[2], parts[4]);
    }

    public String uri() {
        return SCHEME + principal();
    }

    /** The URI without {@code spiffe://}, as policies spell principals. */
    public String principal() {
        return trustDomain.name() + NAMESPACE + namespace + ACCOUNT + serviceAccount;
    }

    /** How many characters {@link #principal} has. */
    public int principalLength() {
        return trustDomain.name().length()
                + NAMESPACE.length()
                + namespace.length()
                + ACCOUNT.length()
                + serviceAccount.length();
    }

    /** Whether {@link #principal} has this text at an offset; builds no string. */
    public boolean principalHas(String text, int offset) {
        if (offset < 0 || offset + text.length() > principalLength()) {
            return false;
        }
        int namespaceMark = trustDomain.name().length();
        int namespaceStart = namespaceMark + NAMESPACE.length();
        int accountMark = namespaceStart + namespace.length();
        int accountStart = accountMark + ACCOUNT.length();
        return agree(trustDomain.name(), 0, text, offset)
                && agree(NAMESPACE, namespaceMark, text, offset)
                && agree(namespace, namespaceStart, text, offset)
                && agree(ACCOUNT, accountMark, text, offset)
                && agree(serviceAccount, accountStart, text, offset);
    }

    /** Whether a piece and a text, each at its offset in the same whole, agree where they overlap. */
    private static boolean agree(String piece, int pieceAt, String text, int textAt) {
        int from = Math.max(pieceAt, textAt);
        int to = Math.min(pieceAt + piece.length(), textAt + text.length());
        return from >= to || piece.regionMatches(from - pieceAt, text, from - textAt, to - from);
    }

    private static void requireSegment(String what, String text) {
        if (!isSegment(text)) {
            throw new IllegalArgumentException(
                    "the " + what + " of a SPIFFE id has only letters, digits, . - _, and is not empty, '.' or '..'");
        }
    }

    /** Whether a text may be the namespace or the service account of an id. */
    public static boolean isSegment(String text) {
        if (text.isEmpty() || text.equals(".") || text.equals("..")) {
            return false;
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
                return false;
            }
        }
        return true;
    }

    @Override
    public String toString() {
        return uri();
    }
}
