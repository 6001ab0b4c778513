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
import org.jspecify.annotations.Nullable;

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
    /** Each may take a millisecond of a loop, and whoever sends them has proved nothing. */
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
     * @param at when it must be valid; null for one that ever was
     * @return the leaf, then each one's authority, without the root
     */
    List<X509Certificate> find(
            X509Certificate leaf, List<X509Certificate> others, @Nullable Instant at, Revocations revocations)
            throws PeerRejectedException {
        if (roots.contains(leaf)) {
            throw new PeerRejectedException(Why.UNTRUSTED, "a root presented itself as a workload");
        }
        List<X509Certificate> between =
                others.stream().filter(one -> !roots.contains(one)).distinct().toList();
        Search search = new Search(leaf, between, at, revocations);
        if (search.goesOn()) {
            return List.copyOf(search.path);
        }
        throw search.failure;
    }

    private final class Search {
        private final List<X509Certificate> between;
        private final @Nullable Instant at;
        private final Revocations revocations;
        private final List<X509Certificate> path = new ArrayList<>();
        private int signatures;
        private PeerRejectedException failure = new PeerRejectedException(
                Why.UNTRUSTED, "the peer's certificate does not chain to our roots: nothing that it sent leads there");

        Search(X509Certificate leaf, List<X509Certificate> between, @Nullable Instant at, Revocations revocations) {
            this.between = between;
            this.at = at;
            this.revocations = revocations;
            path.add(leaf);
        }

        /** Whether what has been found so far leads to a root. */
        boolean goesOn() {
            X509Certificate last = path.getLast();
            boolean anchored = roots.stream().anyMatch(root -> isNamedAsIssuer(root, last));
            if (anchored && stands()) {
                return true;
            }
            List<X509Certificate> issuers = between.stream()
                    .filter(one -> isNamedAsIssuer(one, last) && !path.contains(one))
                    .toList();
            for (X509Certificate issuer : path.size() < PATH_MAX ? issuers : List.<X509Certificate>of()) {
                // A signature tells namesakes apart; where there is one alone it is looked at with the whole path.
                if ((issuers.size() == 1 && !anchored || hasSigned(issuer, last)) && leadsOn(issuer)) {
                    return true;
                }
            }
            return false;
        }

        private boolean leadsOn(X509Certificate issuer) {
            path.add(issuer);
            boolean found = goesOn();
            if (!found) {
                path.removeLast();
            }
            return found;
        }

        private static boolean isNamedAsIssuer(X509Certificate issuer, X509Certificate of) {
            return issuer.getSubjectX500Principal().equals(of.getIssuerX500Principal());
        }

        private boolean hasSigned(X509Certificate issuer, X509Certificate what) {
            if (++signatures > SIGNATURES_MAX) {
                return false;
            }
            try {
                what.verify(issuer.getPublicKey());
                return true;
            } catch (GeneralSecurityException e) {
                return false;
            }
        }

        private boolean stands() {
            signatures += path.size();
            if (signatures > SIGNATURES_MAX) {
                return false;
            }
            try {
                PKIXParameters parameters = new PKIXParameters(anchors);
                parameters.setRevocationEnabled(false);
                parameters.setDate(Date.from(at == null ? notBefore(path) : at));
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
