package io.culvert.agent.certs;

import io.culvert.agent.certs.PeerRejectedException.Why;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.identity.SpiffeIds;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.OpenSslCertificateException;
import io.netty.internal.tcnative.CertificateVerifier;
import java.io.ByteArrayInputStream;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.CertificateParsingException;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.security.interfaces.RSAPublicKey;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Date;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Verifies a peer's chain against the roots of one workload certificate, and its SPIFFE id against what is expected.
 *
 * <p>Chains that verified are remembered until the earliest of their ends, or until other revocation lists are in force; a new
 * set of roots is a new verifier.
 *
 * <p>Runs on: any. Bounds: chains of at most 8 certificates, {@link #REMEMBERED_MAX} remembered.
 *
 * <p>Errors: {@link CertificateException}, which TLS turns into an alert.
 *
 * <p>Source: RFC 5280 section 6; SPIFFE X.509-SVID section 5.
 */
final class SpiffeVerifier extends X509ExtendedTrustManager {
    static final int CHAIN_LENGTH_MAX = 8;
    private static final int REMEMBERED_MAX = 4_096;
    private static final String CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
    private static final String SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
    private static final String ANY_PURPOSE = "2.5.29.37.0";
    private static final int URI_SAN = 6;
    private static final int RSA_BITS_MIN = 2_048;

    static {
        // The codes of alerts are the library's own.
        OpenSsl.ensureAvailability();
    }

    private final SpiffeId self;
    private final List<X509Certificate> roots;
    private final Set<TrustAnchor> anchors;
    private final InstantSource clock;
    private final int rememberedMax;
    private final Map<String, Verified> remembered = new ConcurrentHashMap<>();
    private final Map<SSLEngine, List<SpiffeId>> expected = new ConcurrentHashMap<>();

    private final CrlStore crl;

    private record Verified(SpiffeId id, Instant notBefore, Instant notAfter, Revocations revocations) {}

    SpiffeVerifier(SpiffeId self, List<X509Certificate> roots, InstantSource clock, CrlStore crl) {
        this(self, roots, clock, crl, REMEMBERED_MAX);
    }

    SpiffeVerifier(SpiffeId self, List<X509Certificate> roots, InstantSource clock, CrlStore crl, int rememberedMax) {
        this.crl = crl;
        this.self = self;
        this.roots = List.copyOf(roots);
        this.anchors = roots.stream().map(root -> new TrustAnchor(root, null)).collect(Collectors.toUnmodifiableSet());
        this.clock = clock;
        this.rememberedMax = rememberedMax;
    }

    /** The server of this engine must prove one of these; an engine without expectation trusts nobody. */
    void expect(SSLEngine engine, List<SpiffeId> ids) {
        expected.put(engine, ids);
    }

    /** The engine has served its time. */
    void forget(SSLEngine engine) {
        expected.remove(engine);
    }

    /** How many chains are remembered. */
    int remembered() {
        return remembered.size();
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
            throws CertificateException {
        try {
            SpiffeId id = verify(chain, CLIENT_AUTH);
            if (!id.trustDomain().equals(self.trustDomain())) {
                throw new PeerRejectedException(
                        Why.OTHER_TRUST_DOMAIN,
                        "the peer is of trust domain " + id.trustDomain() + ", ours is " + self.trustDomain());
            }
        } catch (PeerRejectedException e) {
            throw withAlert(e);
        }
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
            throws CertificateException {
        try {
            SpiffeId id = verify(chain, SERVER_AUTH);
            List<SpiffeId> wanted = expected.getOrDefault(engine, List.of());
            if (!wanted.contains(id)) {
                throw new PeerRejectedException(Why.WRONG_IDENTITY, "the peer is " + id + ", expected was " + wanted);
            }
        } catch (PeerRejectedException e) {
            throw withAlert(e);
        }
    }

    /** TLS makes the alert from a code: bad_certificate, unknown_ca, certificate_expired, and certificate_unknown for names. */
    private static CertificateException withAlert(PeerRejectedException rejected) {
        int code = switch (rejected.why()) {
            case UNREADABLE -> CertificateVerifier.X509_V_ERR_CERT_REJECTED;
            case UNTRUSTED -> CertificateVerifier.X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
            case REVOKED -> CertificateVerifier.X509_V_ERR_CERT_REVOKED;
            case NOT_VALID_NOW -> CertificateVerifier.X509_V_ERR_CERT_HAS_EXPIRED;
            case BAD_SPIFFE_ID, OTHER_TRUST_DOMAIN, WRONG_IDENTITY ->
                CertificateVerifier.X509_V_ERR_PERMITTED_VIOLATION;
        };
        return new OpenSslCertificateException(rejected.getMessage(), rejected, code);
    }

    private SpiffeId verify(X509Certificate[] chain, String purpose) throws CertificateException {
        if (chain.length == 0 || chain.length > CHAIN_LENGTH_MAX) {
            throw new PeerRejectedException(
                    Why.UNTRUSTED, "a chain has 1.." + CHAIN_LENGTH_MAX + " certificates, not " + chain.length);
        }
        String key = purpose + fingerprint(chain);
        Verified known = remembered.get(key);
        if (known == null || known.revocations() != crl.current()) {
            known = verifyAnew(parsed(chain), purpose);
            if (remembered.size() >= rememberedMax) {
                remembered.clear();
            }
            remembered.put(key, known);
        }
        requireValidNow(known);
        return known.id();
    }

    private void requireValidNow(Verified verified) throws CertificateException {
        Instant now = clock.instant();
        if (now.isAfter(verified.notAfter())) {
            throw new PeerRejectedException(
                    Why.NOT_VALID_NOW, "the peer's certificate expired at " + verified.notAfter());
        }
        if (now.isBefore(verified.notBefore())) {
            throw new PeerRejectedException(
                    Why.NOT_VALID_NOW, "the peer's certificate is valid only from " + verified.notBefore());
        }
    }

    private Verified verifyAnew(List<X509Certificate> chain, String purpose) throws CertificateException {
        X509Certificate leaf = chain.getFirst();
        requirePurpose(leaf, purpose);
        SpiffeId id = idOf(leaf);
        List<X509Certificate> path = withoutRoots(chain);
        // The leaf itself must be among what is validated.
        if (path.isEmpty() || !path.getFirst().equals(leaf)) {
            throw new PeerRejectedException(Why.UNTRUSTED, "a root presented itself as a workload");
        }
        try {
            PKIXParameters parameters = new PKIXParameters(anchors);
            parameters.setRevocationEnabled(false);
            parameters.setDate(Date.from(clock.instant()));
            CertPathValidator.getInstance("PKIX")
                    .validate(CertificateFactory.getInstance("X.509").generateCertPath(path), parameters);
        } catch (GeneralSecurityException e) {
            throw new PeerRejectedException(
                    notValidNow(e) ? Why.NOT_VALID_NOW : Why.UNTRUSTED,
                    "the peer's certificate does not chain to our roots: " + e.getMessage(),
                    e);
        }
        Revocations revocations = crl.current();
        requireNotRevoked(path, revocations);
        Instant notBefore = Instant.MIN;
        Instant notAfter = Instant.MAX;
        for (X509Certificate one : path) {
            Instant from = one.getNotBefore().toInstant();
            Instant until = one.getNotAfter().toInstant();
            notBefore = from.isAfter(notBefore) ? from : notBefore;
            notAfter = until.isBefore(notAfter) ? until : notAfter;
        }
        return new Verified(id, notBefore, notAfter, revocations);
    }

    private List<X509Certificate> withoutRoots(List<X509Certificate> chain) {
        return chain.stream().filter(one -> !roots.contains(one)).toList();
    }

    private void requireNotRevoked(List<X509Certificate> path, Revocations revocations) throws PeerRejectedException {
        X509Certificate revoked = revocations.firstRevoked(path, roots);
        if (revoked != null) {
            throw new PeerRejectedException(
                    Why.REVOKED,
                    "certificate " + revoked.getSerialNumber().toString(16) + " of " + revoked.getIssuerX500Principal()
                            + " is revoked");
        }
    }

    /** Looks at a chain that verified before again, as far as revocation goes: expiry ends no tunnel. */
    void requireStillGood(X509Certificate[] chain) throws CertificateException {
        requireNotRevoked(withoutRoots(parsed(chain)), crl.current());
    }

    private static boolean notValidNow(GeneralSecurityException e) {
        return e instanceof CertPathValidatorException broken
                && (broken.getReason() == CertPathValidatorException.BasicReason.EXPIRED
                        || broken.getReason() == CertPathValidatorException.BasicReason.NOT_YET_VALID);
    }

    private static void requirePurpose(X509Certificate leaf, String purpose) throws CertificateException {
        if (leaf.getBasicConstraints() >= 0) {
            throw new PeerRejectedException(Why.UNTRUSTED, "an authority's certificate was presented as a workload's");
        }
        if (leaf.getPublicKey() instanceof RSAPublicKey rsa && rsa.getModulus().bitLength() < RSA_BITS_MIN) {
            throw new PeerRejectedException(Why.UNTRUSTED, "the certificate's RSA key is too short");
        }
        boolean @Nullable [] usage = leaf.getKeyUsage();
        if (usage != null && !usage[0]) {
            throw new PeerRejectedException(Why.UNTRUSTED, "the certificate may not be used for digital signatures");
        }
        List<String> extended = leaf.getExtendedKeyUsage();
        if (extended != null && !extended.contains(purpose) && !extended.contains(ANY_PURPOSE)) {
            throw new PeerRejectedException(Why.UNTRUSTED, "the certificate may not be used for this side of TLS");
        }
    }

    /** The one SPIFFE id of a leaf. */
    static SpiffeId idOf(X509Certificate leaf) throws CertificateException {
        Collection<List<?>> names;
        try {
            names = leaf.getSubjectAlternativeNames();
        } catch (CertificateParsingException e) {
            throw new PeerRejectedException(Why.BAD_SPIFFE_ID, "the certificate's names do not parse", e);
        }
        List<String> uris = new ArrayList<>(1);
        if (names != null) {
            for (List<?> name : names) {
                if (name.get(0) instanceof Integer type && type == URI_SAN && name.get(1) instanceof String uri) {
                    uris.add(uri);
                }
            }
        }
        return switch (SpiffeIds.fromUriSans(uris)) {
            case SpiffeIds.Selection.Selected selected -> selected.id();
            case SpiffeIds.Selection.Refused refused ->
                throw new PeerRejectedException(
                        Why.BAD_SPIFFE_ID, refused.reason().sentence());
        };
    }

    /** TLS hands over lazily parsed certificates of its own; the path validator wants the platform's. */
    private static List<X509Certificate> parsed(X509Certificate[] chain) throws CertificateException {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        List<X509Certificate> parsed = new ArrayList<>(chain.length);
        try {
            for (X509Certificate one : chain) {
                parsed.add((X509Certificate) factory.generateCertificate(new ByteArrayInputStream(one.getEncoded())));
            }
        } catch (CertificateException e) {
            throw new PeerRejectedException(
                    Why.UNREADABLE, "the peer's certificate cannot be read: " + e.getMessage(), e);
        }
        return parsed;
    }

    private static String fingerprint(X509Certificate[] chain) throws CertificateException {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (X509Certificate one : chain) {
                digest.update(one.getEncoded());
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (GeneralSecurityException e) {
            throw new CertificateException(e);
        }
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
        return roots.toArray(X509Certificate[]::new);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType) throws CertificateException {
        throw new CertificateException("only the engine's form of this check is safe");
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType) throws CertificateException {
        throw new CertificateException("only the engine's form of this check is safe");
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
            throws CertificateException {
        throw new CertificateException("only the engine's form of this check is safe");
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
            throws CertificateException {
        throw new CertificateException("only the engine's form of this check is safe");
    }
}
