package io.culvert.control.ca;

import io.culvert.protocol.identity.TrustDomain;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.bc.BcX509ExtensionUtils;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/**
 * A mesh's self-signed root: it signs workload certificates itself, and names the trust domain in its only SAN.
 *
 * <p>It starts a day in the past, so that nodes whose clocks run late accept it.
 *
 * <p>Source: RFC 5280 sections 4.1 and 4.2.1; X509-SVID section 4.
 */
final class RootCertificate {
    static final Duration BACKDATED = Duration.ofDays(1);
    static final String CURVE = "secp256r1";
    private static final int URI_SAN = 6;
    private static final int CERT_SIGN = 5;
    private static final String SCHEME = "spiffe://";

    private RootCertificate() {}

    /** Makes a key and the certificate over it. */
    static Signer generate(TrustDomain trustDomain, Duration validity, Instant now, SecureRandom random)
            throws CaException {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(new ECGenParameterSpec(CURVE), random);
            KeyPair pair = generator.generateKeyPair();
            X509v3CertificateBuilder certificate = builder(pair.getPublic(), trustDomain, validity, now, random);
            byte[] der = certificate
                    .build(new JcaContentSignerBuilder(Signer.SIGNATURE_ALGORITHM)
                            .setSecureRandom(random)
                            .build(pair.getPrivate()))
                    .getEncoded();
            return new Signer(pair.getPrivate(), CaPem.certificate(der));
        } catch (GeneralSecurityException | IOException | OperatorCreationException e) {
            throw new CaException(CaException.Code.IO, "this Java runtime cannot make an ECDSA P-256 root", e);
        }
    }

    private static X509v3CertificateBuilder builder(
            PublicKey key, TrustDomain trustDomain, Duration validity, Instant now, SecureRandom random)
            throws IOException {
        SubjectPublicKeyInfo publicKey = SubjectPublicKeyInfo.getInstance(key.getEncoded());
        BigInteger serial = Serials.next(random);
        // Each root has its own name, so that verifiers that find issuers by name tell old and new apart.
        X500Name name = new X500Name(
                "O=Culvert,CN=mesh root " + serial.toString(16).substring(0, 8).toLowerCase(Locale.ROOT));
        X509v3CertificateBuilder builder = new X509v3CertificateBuilder(
                name, serial, Date.from(now.minus(BACKDATED)), Date.from(now.plus(validity)), name, publicKey);
        builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(0));
        builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign));
        builder.addExtension(
                Extension.subjectKeyIdentifier,
                false,
                new BcX509ExtensionUtils().createSubjectKeyIdentifier(publicKey));
        builder.addExtension(
                Extension.subjectAlternativeName,
                false,
                new GeneralNames(new GeneralName(GeneralName.uniformResourceIdentifier, SCHEME + trustDomain)));
        return builder;
    }

    /** Requires a certificate that may sign certificates, and that signed itself. */
    static void requireRoot(Path file, X509Certificate certificate) throws CaException {
        boolean[] usage = certificate.getKeyUsage();
        boolean signs = certificate.getBasicConstraints() >= 0 && (usage == null || usage[CERT_SIGN]);
        if (!signs) {
            throw new CaException(
                    CaException.Code.CORRUPT, file + " holds a certificate that is no root; remove it from the file");
        }
        try {
            certificate.verify(certificate.getPublicKey());
        } catch (GeneralSecurityException e) {
            throw new CaException(
                    CaException.Code.CORRUPT,
                    file + " holds a certificate that is not self-signed, or was changed; remove it from the file",
                    e);
        }
    }

    /** The trust domain that a root names. */
    static TrustDomain trustDomain(Path file, X509Certificate certificate) throws CaException {
        try {
            Collection<List<?>> names = certificate.getSubjectAlternativeNames();
            if (names != null && names.size() == 1) {
                List<?> name = names.iterator().next();
                if (name.get(0) instanceof Integer type
                        && type == URI_SAN
                        && name.get(1) instanceof String uri
                        && uri.startsWith(SCHEME)) {
                    return new TrustDomain(uri.substring(SCHEME.length()));
                }
            }
            throw new CaException(
                    CaException.Code.CORRUPT, file + ": the root names no trust domain; it was not made by 'ca init'");
        } catch (CertificateParsingException | IllegalArgumentException e) {
            throw new CaException(CaException.Code.CORRUPT, file + ": the root's trust domain cannot be read", e);
        }
    }

    /** Requires that a root is valid at an instant. */
    static void requireValid(X509Certificate root, Instant now) throws CaException {
        Instant from = root.getNotBefore().toInstant();
        Instant to = root.getNotAfter().toInstant();
        if (now.isBefore(from)) {
            throw new CaException(
                    CaException.Code.ROOT_NOT_YET_VALID,
                    "the root certificate is valid from " + from + " and our clock says " + now
                            + "; set this node's clock");
        }
        if (!now.isBefore(to)) {
            throw new CaException(
                    CaException.Code.ROOT_EXPIRED,
                    "the root certificate expired at " + to + " and our clock says " + now
                            + "; rotate the root, or set this node's clock");
        }
    }
}
