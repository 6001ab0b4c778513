package io.culvert.agent.certs;

import io.culvert.protocol.identity.SpiffeId;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.spec.ECGenParameterSpec;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.ExtensionsGenerator;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequestBuilder;

/**
 * A fresh ECDSA P-256 key and the certificate request that goes with it; the key never leaves this process.
 *
 * <p>Source: RFC 2986; SPIFFE X.509-SVID sections 2 and 4: empty subject, one critical URI SAN.
 */
final class WorkloadKey {
    private final PrivateKey privateKey;
    private final byte[] csr;

    private WorkloadKey(PrivateKey privateKey, byte[] csr) {
        this.privateKey = privateKey;
        this.csr = csr;
    }

    PrivateKey privateKey() {
        return privateKey;
    }

    /** The request, DER. */
    byte[] csr() {
        return csr.clone();
    }

    static WorkloadKey generate(SpiffeId id) throws GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(new ECGenParameterSpec("secp256r1"));
        KeyPair pair = generator.generateKeyPair();
        try {
            ExtensionsGenerator extensions = new ExtensionsGenerator();
            extensions.addExtension(
                    Extension.subjectAlternativeName,
                    true,
                    new GeneralNames(new GeneralName(GeneralName.uniformResourceIdentifier, id.uri())));
            byte[] csr = new JcaPKCS10CertificationRequestBuilder(new X500Name(""), pair.getPublic())
                    .addAttribute(PKCSObjectIdentifiers.pkcs_9_at_extensionRequest, extensions.generate())
                    .build(new JcaContentSignerBuilder("SHA256withECDSA").build(pair.getPrivate()))
                    .getEncoded();
            return new WorkloadKey(pair.getPrivate(), csr);
        } catch (IOException | OperatorCreationException e) {
            throw new GeneralSecurityException("the certificate request could not be built", e);
        }
    }
}
