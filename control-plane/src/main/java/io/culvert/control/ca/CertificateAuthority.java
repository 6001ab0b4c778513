package io.culvert.control.ca;

import io.culvert.protocol.identity.SpiffeId;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;

/**
 * Issues workload certificates from a {@link CaDirectory}: the root signs them itself.
 *
 * <p>A certificate starts a minute in the past, so that a peer whose clock runs a little late accepts it, and never
 * outlives the root.
 *
 * <p>Runs on: any control thread.
 *
 * <p>Bounds: {@link Lifetimes}; {@link SigningRequest#LENGTH_MAX} bytes a request.
 */
public final class CertificateAuthority implements Issuer {
    static final Duration BACKDATED = Duration.ofMinutes(1);

    private final CaDirectory directory;
    private final Lifetimes lifetimes;
    private final InstantSource clock;
    private final SecureRandom random;
    private final Issuances issuances = new Issuances();

    public CertificateAuthority(CaDirectory directory, Lifetimes lifetimes, InstantSource clock, SecureRandom random) {
        this.directory = directory;
        this.lifetimes = lifetimes;
        this.clock = clock;
        this.random = random;
    }

    /**
     * How long workload certificates may be valid.
     *
     * @param shortest at least 10 seconds, below which an agent could not renew in time
     * @param longest at most 7 days: nothing revokes these certificates but their end
     */
    public record Lifetimes(Duration shortest, Duration longest) {
        public static final Duration SHORTEST_MIN = Duration.ofSeconds(10);
        public static final Duration LONGEST_MAX = Duration.ofDays(7);
        public static final Lifetimes DEFAULT = new Lifetimes(SHORTEST_MIN, Duration.ofHours(24));

        public Lifetimes {
            if (shortest.compareTo(SHORTEST_MIN) < 0 || longest.compareTo(LONGEST_MAX) > 0) {
                throw new IllegalArgumentException("lifetimes are within " + SHORTEST_MIN + ".." + LONGEST_MAX);
            }
            if (shortest.compareTo(longest) > 0) {
                throw new IllegalArgumentException("the shortest lifetime is longer than the longest");
            }
        }
    }

    @Override
    public IssuedCertificate issue(SpiffeId id, byte[] csrDer, Duration ttl) throws CaException {
        try {
            CaDirectory.State state = directory.current();
            requireTrustDomain(id, state);
            requireLifetime(ttl);
            SubjectPublicKeyInfo key = SigningRequest.keyFor(id, csrDer);
            X509Certificate root = state.signer().certificate();
            X509Certificate leaf = LeafCertificate.sign(state.signer(), id, key, validity(root, ttl), random);
            issuances.issued(id, leaf);
            return new IssuedCertificate(List.of(leaf), state.roots());
        } catch (CaException e) {
            issuances.refused(id, e);
            throw e;
        }
    }

    private LeafCertificate.Validity validity(X509Certificate root, Duration ttl) throws CaException {
        Instant now = clock.instant();
        RootCertificate.requireValid(root, now);
        Instant rootEnd = root.getNotAfter().toInstant();
        Instant wanted = now.plus(ttl);
        return new LeafCertificate.Validity(now.minus(BACKDATED), wanted.isAfter(rootEnd) ? rootEnd : wanted);
    }

    private static void requireTrustDomain(SpiffeId id, CaDirectory.State state) throws CaException {
        if (!id.trustDomain().equals(state.trustDomain())) {
            throw new CaException(
                    CaException.Code.WRONG_TRUST_DOMAIN,
                    "this authority certifies the trust domain " + state.trustDomain() + ", not " + id.trustDomain()
                            + "; correct the trust domain in mesh.yaml, or make another authority");
        }
    }

    private void requireLifetime(Duration ttl) throws CaException {
        if (ttl.compareTo(lifetimes.shortest()) < 0 || ttl.compareTo(lifetimes.longest()) > 0) {
            throw new CaException(
                    CaException.Code.TTL_OUT_OF_BOUNDS,
                    "a certificate is valid for " + lifetimes.shortest() + " to " + lifetimes.longest() + ", not "
                            + ttl);
        }
    }
}
