package io.culvert.agent.certs;

import io.culvert.agent.certs.PeerRejectedException.Why;
import java.security.GeneralSecurityException;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Finds the path from a peer's certificate to one of our roots among all that the peer sent, in whatever order; what is of no
 * use for it is ignored.
 *
 * <p>Runs on: any. Bounds: paths of {@link #PATH_MAX} certificates, and {@link #SIGNATURES_MAX} signatures that are looked at.
 *
 * <p>Errors: {@link PeerRejectedException}, which tells of the path that came furthest.
 *
 * <p>Source: RFC 5280 section 6; RFC 4158.
 */
final class PathFinder {
    static final int PATH_MAX = 8;
    /** Those of the paths that were found are looked at once more, as part of these. */
    static final int SIGNATURES_MAX = 16;

    private final List<X509Certificate> roots;
    private final Set<TrustAnchor> anchors;

    PathFinder(List<X509Certificate> roots) {
        this.roots = roots;
        this.anchors = roots.stream().map(root -> new TrustAnchor(root, null)).collect(Collectors.toUnmodifiableSet());
    }

    /**
     * Finds a path that is valid, and of which nothing is revoked.
     *
     * @param leaf where it begins
     * @param others what else was sent
     * @param at when it must be valid
     * @return the leaf, then each one's authority, without the root
     */
    List<X509Certificate> find(X509Certificate leaf, List<X509Certificate> others, Instant at, Revocations revocations)
            throws PeerRejectedException {
        if (roots.contains(leaf)) {
            throw new PeerRejectedException(Why.UNTRUSTED, "a root presented itself as a workload");
        }
        List<X509Certificate> between =
                others.stream().filter(one -> !roots.contains(one)).distinct().toList();
        Search search = new Search(leaf, between, at, revocations);
        for (X509Certificate root : roots) {
            if (search.goesDown(root)) {
                return search.path();
            }
        }
        throw search.failure;
    }

    /**
     * From a root downwards, so that a signature is only ever looked at with the key of a root or of whom one vouches for:
     * whoever connects has proved nothing yet, and a key of its making may cost much more.
     */
    private final class Search {
        private final X509Certificate leaf;
        private final List<X509Certificate> between;
        private final Instant at;
        private final Revocations revocations;
        /** Below the root, without the leaf. */
        private final List<X509Certificate> down = new ArrayList<>();

        private int signatures;
        private PeerRejectedException failure = new PeerRejectedException(
                Why.UNTRUSTED, "the peer's certificate does not chain to our roots: nothing that it sent leads there");

        Search(X509Certificate leaf, List<X509Certificate> between, Instant at, Revocations revocations) {
            this.leaf = leaf;
            this.between = between;
            this.at = at;
            this.revocations = revocations;
        }

        /** The leaf, then each one's authority, without the root. */
        List<X509Certificate> path() {
            List<X509Certificate> path = new ArrayList<>(down.reversed());
            path.addFirst(leaf);
            return List.copyOf(path);
        }

        /** Whether whom this one vouches for leads to the leaf. */
        boolean goesDown(X509Certificate issuer) {
            if (hasSigned(issuer, leaf) && stands(path())) {
                return true;
            }
            for (X509Certificate next : down.size() < PATH_MAX - 1 ? between : List.<X509Certificate>of()) {
                if (!down.contains(next) && hasSigned(issuer, next)) {
                    down.add(next);
                    if (goesDown(next)) {
                        return true;
                    }
                    down.removeLast();
                }
            }
            return false;
        }

        private boolean hasSigned(X509Certificate issuer, X509Certificate what) {
            if (!issuer.getSubjectX500Principal().equals(what.getIssuerX500Principal())
                    || ++signatures > SIGNATURES_MAX) {
                return false;
            }
            try {
                what.verify(issuer.getPublicKey());
                return true;
            } catch (GeneralSecurityException e) {
                return false;
            }
        }

        private boolean stands(List<X509Certificate> path) {
            try {
                PKIXParameters parameters = new PKIXParameters(anchors);
                parameters.setRevocationEnabled(false);
                parameters.setDate(Date.from(at));
                CertPathValidator.getInstance("PKIX")
                        .validate(CertificateFactory.getInstance("X.509").generateCertPath(path), parameters);
            } catch (GeneralSecurityException e) {
                failed(new PeerRejectedException(
                        notValidNow(e) ? Why.NOT_VALID_NOW : Why.UNTRUSTED,
                        "the peer's certificate does not chain to our roots: " + e.getMessage(),
                        e));
                return false;
            }
            X509Certificate revoked = revocations.firstRevoked(path, roots);
            if (revoked != null) {
                failed(new PeerRejectedException(
                        Why.REVOKED,
                        "certificate " + revoked.getSerialNumber().toString(16) + " of "
                                + revoked.getIssuerX500Principal() + " is revoked"));
            }
            return revoked == null;
        }

        private void failed(PeerRejectedException of) {
            if (rank(of) > rank(failure)) {
                failure = of;
            }
        }

        private static int rank(PeerRejectedException of) {
            return switch (of.why()) {
                case REVOKED -> 3;
                case NOT_VALID_NOW -> 2;
                default -> of.getCause() == null ? 0 : 1;
            };
        }
    }

    private static boolean notValidNow(GeneralSecurityException e) {
        return e instanceof CertPathValidatorException broken
                && (broken.getReason() == CertPathValidatorException.BasicReason.EXPIRED
                        || broken.getReason() == CertPathValidatorException.BasicReason.NOT_YET_VALID);
    }

    /** From when on all of a path is valid. */
    static Instant notBefore(List<X509Certificate> path) {
        return path.stream()
                .map(one -> one.getNotBefore().toInstant())
                .max(Instant::compareTo)
                .orElse(Instant.MIN);
    }

    /** Until when all of a path is valid. */
    static Instant notAfter(List<X509Certificate> path) {
        return path.stream()
                .map(one -> one.getNotAfter().toInstant())
                .min(Instant::compareTo)
                .orElse(Instant.MAX);
    }
}
