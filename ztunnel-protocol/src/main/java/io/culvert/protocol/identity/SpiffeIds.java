package io.culvert.protocol.identity;

import java.util.List;

/**
 * Chooses the identity that a certificate proves, from its URI subject alternative names.
 *
 * <p>Exactly one of them may be a SPIFFE id, and it has to be well-formed. Where another reader would take the first of
 * two, or skip a malformed one, two readers may take the same certificate for different peers; so such a certificate
 * proves nothing here, even when the two are equal. Names of other schemes are ignored.
 *
 * <p>Bounds: at most 64 names.
 *
 * <p>Source: X.509-SVID section 2.
 */
public final class SpiffeIds {
    public static final int URI_SANS_MAX = 64;
    private static final String SCHEME = "spiffe:";

    private SpiffeIds() {}

    /** The outcome. */
    public sealed interface Selection {
        /** The certificate proves this identity. */
        record Selected(SpiffeId id) implements Selection {}

        /** It proves none, and its holder is refused. */
        record Refused(Reason reason) implements Selection {}
    }

    /** Why a certificate proves no identity. */
    public enum Reason {
        NONE("the certificate names no SPIFFE id"),
        SEVERAL("the certificate names more than one SPIFFE id"),
        MALFORMED("the certificate's SPIFFE id is malformed"),
        TOO_MANY_NAMES("the certificate has more than 64 URI names");

        private final String sentence;

        Reason(String sentence) {
            this.sentence = sentence;
        }

        public String sentence() {
            return sentence;
        }
    }

    /** Selects among a leaf certificate's URI names, in any order. */
    public static Selection fromUriSans(List<String> uris) {
        if (uris.size() > URI_SANS_MAX) {
            return new Selection.Refused(Reason.TOO_MANY_NAMES);
        }
        List<String> candidates =
                uris.stream().filter(SpiffeIds::claimsToBeSpiffe).toList();
        if (candidates.size() != 1) {
            return new Selection.Refused(candidates.isEmpty() ? Reason.NONE : Reason.SEVERAL);
        }
        try {
            return new Selection.Selected(SpiffeId.parse(candidates.getFirst()));
        } catch (IllegalArgumentException malformed) {
            return new Selection.Refused(Reason.MALFORMED);
        }
    }

    /** In whatever case, and after blanks or control characters too, which a lax reader might drop. */
    private static boolean claimsToBeSpiffe(String uri) {
        int start = 0;
        while (start < uri.length() && uri.charAt(start) <= ' ') {
            start++;
        }
        return uri.regionMatches(true, start, SCHEME, 0, SCHEME.length());
    }
}
