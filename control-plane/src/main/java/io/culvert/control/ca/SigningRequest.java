package io.culvert.control.ca;

import io.culvert.protocol.identity.SpiffeId;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.spec.X509EncodedKeySpec;
import org.bouncycastle.asn1.pkcs.Attribute;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.sec.SECNamedCurves;
import org.bouncycastle.asn1.sec.SECObjectIdentifiers;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.bouncycastle.pkcs.PKCSException;
import org.jspecify.annotations.Nullable;

/**
 * A certificate signing request that asks for nothing but one identity over one key.
 *
 * <p>The key is ECDSA P-256 on its named curve and nothing else: every TLS 1.3 peer must support it, it is the cheapest
 * to verify, and one kind of key is one way to be wrong.
 *
 * <p>Bounds: {@link #LENGTH_MAX} bytes; an empty subject; no attribute but one request for a SAN extension with one URI.
 *
 * <p>Source: RFC 2986 section 4; RFC 8446 section 9.1; X509-SVID section 2.
 */
final class SigningRequest {
    static final int LENGTH_MAX = 4_096;
    private static final int UNCOMPRESSED_POINT_LENGTH = 65;

    private final PKCS10CertificationRequest request;

    private SigningRequest(PKCS10CertificationRequest request) {
        this.request = request;
    }

    /**
     * Parses a request, checks all of it against the identity to certify, and returns its key.
     *
     * <p>Errors: {@link CaException} that never repeats the request's text.
     */
    static SubjectPublicKeyInfo keyFor(SpiffeId id, byte[] der) throws CaException {
        if (der.length > LENGTH_MAX) {
            throw bad("it has more than " + LENGTH_MAX + " bytes", null);
        }
        DerDepth.require(der);
        try {
            SigningRequest parsed = new SigningRequest(new PKCS10CertificationRequest(der));
            parsed.requireNoSubject();
            parsed.requireOnly(id);
            SubjectPublicKeyInfo key = parsed.p256Key();
            parsed.requireProofOfPossession(key);
            return key;
        } catch (IOException | RuntimeException e) {
            // The ASN.1 library decodes lazily and reports what it finds by unchecked exceptions of many types.
            throw bad("it is not a PKCS #10 request in DER", e);
        }
    }

    private void requireNoSubject() throws CaException {
        if (request.getSubject().getRDNs().length != 0) {
            throw bad("its subject is not empty; an identity is only in the SAN", null);
        }
    }

    private void requireOnly(SpiffeId id) throws CaException {
        Attribute[] attributes = request.getAttributes();
        if (attributes.length == 0) {
            return;
        }
        if (attributes.length > 1
                || !attributes[0].getAttrType().equals(PKCSObjectIdentifiers.pkcs_9_at_extensionRequest)) {
            throw bad("it carries attributes other than one request for extensions", null);
        }
        if (attributes[0].getAttrValues().size() != 1) {
            throw bad("its request for extensions has not exactly one value", null);
        }
        Extensions extensions = Extensions.getInstance(attributes[0].getAttributeValues()[0]);
        Extension san = extensions.getExtension(Extension.subjectAlternativeName);
        if (san == null || extensions.getExtensionOIDs().length != 1) {
            throw bad("it asks for extensions other than a subject alternative name", null);
        }
        requireUri(id, GeneralNames.getInstance(san.getParsedValue()).getNames());
    }

    private static void requireUri(SpiffeId id, GeneralName[] names) throws CaException {
        boolean granted = names.length == 1
                && names[0].getTagNo() == GeneralName.uniformResourceIdentifier
                && names[0].getName().toString().equals(id.uri());
        if (!granted) {
            throw new CaException(
                    CaException.Code.IDENTITY_MISMATCH,
                    "the signing request asks for names other than exactly " + id.uri());
        }
    }

    private SubjectPublicKeyInfo p256Key() throws CaException {
        SubjectPublicKeyInfo key = request.getSubjectPublicKeyInfo();
        boolean p256 = key.getAlgorithm().getAlgorithm().equals(X9ObjectIdentifiers.id_ecPublicKey)
                && SECObjectIdentifiers.secp256r1.equals(key.getAlgorithm().getParameters());
        byte[] point = key.getPublicKeyData().getOctets();
        if (!p256 || point.length != UNCOMPRESSED_POINT_LENGTH || !onCurve(point)) {
            throw new CaException(
                    CaException.Code.KEY_NOT_ALLOWED,
                    "the signing request's key is not an uncompressed point of the named curve P-256; make it with EC "
                            + RootCertificate.CURVE);
        }
        return key;
    }

    private static boolean onCurve(byte[] point) {
        try {
            SECNamedCurves.getByOID(SECObjectIdentifiers.secp256r1).getCurve().decodePoint(point);
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private void requireProofOfPossession(SubjectPublicKeyInfo key) throws CaException {
        boolean ecdsaSha256 =
                request.getSignatureAlgorithm().getAlgorithm().equals(X9ObjectIdentifiers.ecdsa_with_SHA256);
        if (!ecdsaSha256 || !signatureHolds(key)) {
            throw new CaException(
                    CaException.Code.NO_PROOF_OF_POSSESSION,
                    "the signing request is not signed with ECDSA and SHA-256 by the key that it names");
        }
    }

    private boolean signatureHolds(SubjectPublicKeyInfo key) {
        try {
            PublicKey publicKey = KeyFactory.getInstance("EC").generatePublic(new X509EncodedKeySpec(key.getEncoded()));
            return request.isSignatureValid(new JcaContentVerifierProviderBuilder().build(publicKey));
        } catch (GeneralSecurityException | IOException | OperatorCreationException | PKCSException e) {
            return false;
        }
    }

    private static CaException bad(String why, @Nullable Throwable cause) {
        return new CaException(CaException.Code.BAD_REQUEST, "the signing request is refused: " + why, cause);
    }
}
