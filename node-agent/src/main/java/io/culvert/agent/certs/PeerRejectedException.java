package io.culvert.agent.certs;

import java.security.cert.CertificateException;

/** A peer's certificate is not acceptable, and why. */
public final class PeerRejectedException extends CertificateException {
    private static final long serialVersionUID = 1;

    /** What is wrong with it. */
    public enum Why {
        /** It is no certificate that can be read. */
        UNREADABLE,
        /** It does not chain to our roots, or may not be used like this. */
        UNTRUSTED,
        /** An authority took it, or one above it, back. */
        REVOKED,
        /** It is expired, or not valid yet. */
        NOT_VALID_NOW,
        /** It names no SPIFFE id, several URIs, or a malformed one. */
        BAD_SPIFFE_ID,
        /** It is of another trust domain than ours. */
        OTHER_TRUST_DOMAIN,
        /** It is not the identity that the destination must have. */
        WRONG_IDENTITY
    }

    private final Why why;

    PeerRejectedException(Why why, String message) {
        super(message);
        this.why = why;
    }

    PeerRejectedException(Why why, String message, Throwable cause) {
        super(message, cause);
        this.why = why;
    }

    public Why why() {
        return why;
    }
}
