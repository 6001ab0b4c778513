package io.culvert.control.ca;

import io.culvert.protocol.identity.SpiffeId;
import java.io.IOException;
import java.math.BigInteger;
import java.security.SecureRandom;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Date;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.bc.BcX509ExtensionUtils;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/**
 * A workload's certificate: an empty subject and one critical URI SAN, the SPIFFE id.
 *
 * <p>Source: RFC 5280 section 4.2.1.6 (an empty subject makes the SAN critical); X509-SVID sections 2 to 4.
 */
final class LeafCertificate {
    private static final X500Name NO_SUBJECT = new X500Name(new RDN[0]);

    private LeafCertificate() {}

    /** When a certificate holds. */
    record Validity(Instant notBefore, Instant notAfter) {}

    static X509Certificate sign(
            Signer signer, SpiffeId id, SubjectPublicKeyInfo key, Validity validity, SecureRandom random)
            throws CaException {
        try {
            byte[] der = builder(signer, id, key, validity, Serials.next(random))
                    .build(new JcaContentSignerBuilder(Signer.SIGNATURE_ALGORITHM)
                            .setSecureRandom(random)
                            .build(signer.key()))
                    .getEncoded();
            return CaPem.certificate(der);
        } catch (CertificateException | IOException | OperatorCreationException e) {
            throw new CaException(CaException.Code.IO, "this Java runtime cannot sign a certificate", e);
        }
    }

    private static X509v3CertificateBuilder builder(
            Signer signer, SpiffeId id, SubjectPublicKeyInfo key, Validity validity, BigInteger serial)
            throws IOException {
        BcX509ExtensionUtils keyIds = new BcX509ExtensionUtils();
        X509v3CertificateBuilder builder = new X509v3CertificateBuilder(
                X500Name.getInstance(
                        signer.certificate().getSubjectX500Principal().getEncoded()),
                serial,
                Date.from(validity.notBefore()),
                Date.from(validity.notAfter()),
                NO_SUBJECT,
                key);
        builder.addExtension(
                Extension.subjectAlternativeName,
                true,
                new GeneralNames(new GeneralName(GeneralName.uniformResourceIdentifier, id.uri())));
        builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature));
        builder.addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(new KeyPurposeId[] {
            KeyPurposeId.id_kp_clientAuth, KeyPurposeId.id_kp_serverAuth
        }));
        builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(false));
        builder.addExtension(
                Extension.authorityKeyIdentifier,
                false,
                keyIds.createAuthorityKeyIdentifier(SubjectPublicKeyInfo.getInstance(
                        signer.certificate().getPublicKey().getEncoded())));
        builder.addExtension(Extension.subjectKeyIdentifier, false, keyIds.createSubjectKeyIdentifier(key));
        return builder;
    }
}
