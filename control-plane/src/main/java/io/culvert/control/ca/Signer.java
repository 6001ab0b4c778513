package io.culvert.control.ca;

import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.cert.X509Certificate;

/**
 * The root that signs: its private key and its certificate.
 *
 * @param key never printed
 * @param certificate self-signed
 */
record Signer(PrivateKey key, X509Certificate certificate) {
    static final String SIGNATURE_ALGORITHM = "SHA256withECDSA";

    /** Proves that the key belongs to the certificate, by signing something nobody could have signed before. */
    boolean keyMatches(SecureRandom random) {
        byte[] challenge = new byte[32];
        random.nextBytes(challenge);
        try {
            Signature signing = Signature.getInstance(SIGNATURE_ALGORITHM);
            signing.initSign(key, random);
            signing.update(challenge);
            Signature verifying = Signature.getInstance(SIGNATURE_ALGORITHM);
            verifying.initVerify(certificate.getPublicKey());
            verifying.update(challenge);
            return verifying.verify(signing.sign());
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    @Override
    public String toString() {
        return "Signer[" + certificate.getSubjectX500Principal() + "]";
    }
}
