package io.culvert.agent.certs;

import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.security.auth.x500.X500Principal;
import org.jspecify.annotations.Nullable;

/**
 * Which certificates their authorities took back. Immutable.
 *
 * <p>A list counts for an authority only if it carries its name and its signature, so that authorities of the same name do not
 * speak for each other. A certificate of whose authority there is no list counts as good; a list that is past its next update
 * still counts.
 *
 * <p>Runs on: any. Bounds: {@link #SIGNATURES_MAX} keys are remembered with each list.
 *
 * <p>Source: RFC 5280 section 6.3.
 */
public final class Revocations {
    /** Nothing is revoked. */
    public static final Revocations NONE = new Revocations(List.of());

    private static final int SIGNATURES_MAX = 1_024;

    /** A list, and whose signature it carries as far as was looked at. */
    private record SignedList(X509CRL list, Map<PublicKey, Boolean> signatures) {
        private boolean speaksFor(PublicKey key) {
            if (signatures.size() >= SIGNATURES_MAX) {
                signatures.clear();
            }
            return signatures.computeIfAbsent(key, this::isSignedBy);
        }

        private boolean isSignedBy(PublicKey key) {
            try {
                list.verify(key);
                return true;
            } catch (GeneralSecurityException e) {
                return false;
            }
        }
    }

    private final Map<X500Principal, List<SignedList>> byIssuer = new HashMap<>();

    Revocations(List<X509CRL> lists) {
        for (X509CRL list : lists) {
            byIssuer.computeIfAbsent(list.getIssuerX500Principal(), name -> new ArrayList<>())
                    .add(new SignedList(list, new ConcurrentHashMap<>()));
        }
    }

    /** Whether there is no list at all. */
    public boolean isEmpty() {
        return byIssuer.isEmpty();
    }

    /** How many certificates are revoked. */
    public int revokedCount() {
        int count = 0;
        for (List<SignedList> lists : byIssuer.values()) {
            for (SignedList each : lists) {
                var revoked = each.list().getRevokedCertificates();
                count += revoked == null ? 0 : revoked.size();
            }
        }
        return count;
    }

    /**
     * The first certificate of a verified path that is revoked, null when none is.
     *
     * @param path the leaf, then each one's authority, without root
     * @param roots among which the last one's authority is
     */
    @Nullable
    X509Certificate firstRevoked(List<X509Certificate> path, List<X509Certificate> roots) {
        if (byIssuer.isEmpty()) {
            return null;
        }
        for (int i = 0; i < path.size(); i++) {
            List<X509Certificate> authorities = i + 1 < path.size() ? List.of(path.get(i + 1)) : roots;
            if (isRevoked(path.get(i), authorities)) {
                return path.get(i);
            }
        }
        return null;
    }

    private boolean isRevoked(X509Certificate certificate, List<X509Certificate> authorities) {
        for (SignedList each : byIssuer.getOrDefault(certificate.getIssuerX500Principal(), List.of())) {
            if (each.list().getRevokedCertificate(certificate) == null) {
                continue;
            }
            for (X509Certificate authority : authorities) {
                if (authority.getSubjectX500Principal().equals(certificate.getIssuerX500Principal())
                        && signed(certificate, authority)
                        && each.speaksFor(authority.getPublicKey())) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Of several roots of one name only one made the certificate. */
    private static boolean signed(X509Certificate certificate, X509Certificate authority) {
        try {
            certificate.verify(authority.getPublicKey());
            return true;
        } catch (GeneralSecurityException e) {
            return false;
        }
    }
}
