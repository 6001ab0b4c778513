package io.culvert.control.ca;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.spec.ECGenParameterSpec;
import java.util.Base64;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.ExtensionsGenerator;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequestBuilder;

/** Signing requests, good and bad. */
final class Requests {
    /** Changes a request before it is signed. */
    interface Change {
        void on(PKCS10CertificationRequestBuilder request) throws IOException;
    }

    private Requests() {}

    static KeyPair key(String curve) {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(new ECGenParameterSpec(curve));
            return generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    static byte[] plain() {
        return signed(key("secp256r1"), request -> {});
    }

    static byte[] naming(GeneralName... names) {
        return signed(key("secp256r1"), extension(Extension.subjectAlternativeName, new GeneralNames(names)));
    }

    static GeneralName uri(String uri) {
        return new GeneralName(GeneralName.uniformResourceIdentifier, uri);
    }

    static Change extension(ASN1ObjectIdentifier type, ASN1Encodable value) {
        return request -> {
            ExtensionsGenerator extensions = new ExtensionsGenerator();
            extensions.addExtension(type, true, value);
            request.addAttribute(PKCSObjectIdentifiers.pkcs_9_at_extensionRequest, extensions.generate());
        };
    }

    static byte[] signed(KeyPair key, Change change) {
        return signed(
                SubjectPublicKeyInfo.getInstance(key.getPublic().getEncoded()),
                key.getPrivate(),
                key.getPrivate().getAlgorithm().equals("RSA") ? "SHA256withRSA" : "SHA256withECDSA",
                "",
                change);
    }

    static byte[] signed(
            SubjectPublicKeyInfo named, PrivateKey signing, String algorithm, String subject, Change change) {
        try {
            var request = new PKCS10CertificationRequestBuilder(new X500Name(subject), named);
            change.on(request);
            return request.build(new JcaContentSignerBuilder(algorithm).build(signing))
                    .getEncoded();
        } catch (OperatorCreationException e) {
            throw new IllegalStateException(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static String pem(String label, byte[] der) {
        String base64 = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
        return "-----BEGIN " + label + "-----\n" + base64 + "\n-----END " + label + "-----\n";
    }
}
