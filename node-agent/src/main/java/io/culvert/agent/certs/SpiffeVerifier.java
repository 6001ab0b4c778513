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
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.security.interfaces.RSAPublicKey;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Verifies a peer's chain against the roots of one workload certificate, and its SPIFFE id against what is expected.
 *
 * <p>Chains that verified are remembered until the earliest of their ends, or until other revocation lists are in force; a new
 * set of roots is a new verifier.
 *
 * <p>Runs on: any. Bounds: {@link #SENT_MAX} certificates of a peer are looked at, those of {@link PathFinder} make its path;
 * {@link #REMEMBERED_MAX} chains remembered.
 *
 * <p>Errors: {@link CertificateException}, which TLS turns into an alert.
 *
 * <p>Source: RFC 5280 section 6; SPIFFE X.509-SVID section 5.
 */
final class SpiffeVerifier extends X509ExtendedTrustManager {
    private static final System.Logger LOG = System.getLogger(SpiffeVerifier.class.getName());
    /** As many as the TLS library hands over; what is sent behind them is not looked at. */
    static final int SENT_MAX = 10;

    private static final int REMEMBERED_MAX = 4_096;
    private static final String CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
    private static final String SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
    private static final String ANY_PURPOSE = "2.5.29.37.0";
    /** Of a chain that was good for its purpose when it was shown. */
    private static final String SHOWN_BEFORE = "shown before";

    private static final int URI_SAN = 6;
    private static final int RSA_BITS_MIN = 2_048;

    static {
        // The codes of alerts are the library's own.
        OpenSsl.ensureAvailability();
    }

    private final SpiffeId self;
    private final List<X509Certificate> roots;
    private final PathFinder paths;
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
        this.paths = new PathFinder(this.roots);
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
        if (chain.length == 0) {
            throw new PeerRejectedException(Why.UNTRUSTED, "the peer sent no certificate");
        }
        Verified known = remembered(Arrays.copyOf(chain, Math.min(chain.length, SENT_MAX)), purpose);
        requireValidNow(known);
        return known.id();
    }

    private Verified remembered(X509Certificate[] chain, String purpose) throws CertificateException {
        String key = purpose + fingerprint(chain);
        Verified known = remembered.get(key);
        if (known == null || known.revocations() != crl.current()) {
            known = verifyAnew(chain, purpose);
            if (remembered.size() >= rememberedMax) {
                remembered.clear();
            }
            remembered.put(key, known);
        }
        return known;
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

    private Verified verifyAnew(X509Certificate[] chain, String purpose) throws CertificateException {
        X509Certificate leaf = parsed(chain[0]);
        Instant at = clock.instant();
        if (!purpose.equals(SHOWN_BEFORE)) {
            requirePurpose(leaf, purpose);
        } else if (at.isAfter(leaf.getNotAfter().toInstant())) {
            at = leaf.getNotAfter().toInstant();
        }
        SpiffeId id = idOf(leaf);
        Revocations revocations = crl.current();
        List<X509Certificate> path = paths.find(leaf, others(chain), at, revocations);
        return new Verified(id, PathFinder.notBefore(path), PathFinder.notAfter(path), revocations);
    }

    /**
     * Looks at a chain that verified before again, as far as revocation goes: that the leaf has expired since ends no tunnel. Its
     * authorities must be valid now, or when it expired: otherwise one of old could stand in for one that is revoked.
     */
    void requireStillGood(X509Certificate[] chain) throws CertificateException {
        if (!crl.current().isEmpty()) {
            Verified _ = remembered(Arrays.copyOf(chain, Math.min(chain.length, SENT_MAX)), SHOWN_BEFORE);
        }
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
    private static X509Certificate parsed(X509Certificate one) throws CertificateException {
        try {
            return (X509Certificate) CertificateFactory.getInstance("X.509")
                    .generateCertificate(new ByteArrayInputStream(one.getEncoded()));
        } catch (CertificateException e) {
            throw new PeerRejectedException(
                    Why.UNREADABLE, "the peer's certificate cannot be read: " + e.getMessage(), e);
        }
    }

    /** What was sent behind the leaf, as far as it can be read: only what leads to a root counts. */
    private static List<X509Certificate> others(X509Certificate[] chain) {
        List<X509Certificate> others = new ArrayList<>(chain.length - 1);
        for (int i = 1; i < chain.length; i++) {
            try {
                others.add(parsed(chain[i]));
            } catch (CertificateException e) {
                LOG.log(System.Logger.Level.DEBUG, "a certificate that a peer sent beside its own is ignored", e);
            }
        }
        return others;
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
