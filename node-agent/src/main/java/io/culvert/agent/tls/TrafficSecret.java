package io.culvert.agent.tls;

import io.culvert.shim.KernelTls;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import javax.crypto.KDF;
import javax.crypto.spec.HKDFParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * What the keys of one direction of a TLS 1.3 connection follow from.
 *
 * <p>Runs on: one thread at a time. Owns: the secret; {@link #wipe} overwrites it.
 *
 * <p>Source: RFC 8446, sections 7.1 to 7.3.
 */
public final class TrafficSecret {
    private static final String LABEL_PREFIX = "tls13 ";

    /** The cipher suites of TLS 1.3 that the kernel knows. */
    private enum Suite {
        TLS_AES_128_GCM_SHA256(KernelTls.Cipher.AES_128_GCM, "HKDF-SHA256", 32),
        TLS_AES_256_GCM_SHA384(KernelTls.Cipher.AES_256_GCM, "HKDF-SHA384", 48),
        TLS_CHACHA20_POLY1305_SHA256(KernelTls.Cipher.CHACHA20_POLY1305, "HKDF-SHA256", 32);

        private final KernelTls.Cipher cipher;
        private final String derivation;
        private final int secretBytes;

        Suite(KernelTls.Cipher cipher, String derivation, int secretBytes) {
            this.cipher = cipher;
            this.derivation = derivation;
            this.secretBytes = secretBytes;
        }
    }

    private final Suite suite;
    private final byte[] secret;

    private TrafficSecret(Suite suite, byte[] secret) {
        this.suite = suite;
        this.secret = secret;
    }

    /** The cipher of a suite as TLS names it; null when it is none of TLS 1.3 that the kernel could know. */
    public static KernelTls.@Nullable Cipher cipherOf(String suite) {
        Suite known = suiteOf(suite);
        return known == null ? null : known.cipher;
    }

    private static @Nullable Suite suiteOf(String name) {
        return Arrays.stream(Suite.values())
                .filter(suite -> suite.name().equals(name))
                .findFirst()
                .orElse(null);
    }

    /**
     * A secret; the array is the result's from now on.
     *
     * <p>Errors: {@link IllegalArgumentException} for a suite that is not one of TLS 1.3, or a secret that is not as long as its
     * are.
     */
    public static TrafficSecret of(String suite, byte[] secret) {
        Suite known = suiteOf(suite);
        if (known == null || secret.length != known.secretBytes) {
            throw new IllegalArgumentException(secret.length + " octets for " + suite);
        }
        return new TrafficSecret(known, secret);
    }

    /** The keys that follow from it, for the caller to wipe. */
    public KernelTls.Keys keys() {
        return new KernelTls.Keys(
                suite.cipher, expand("key", suite.cipher.keyBytes()), expand("iv", KernelTls.Keys.IV_BYTES));
    }

    /** Becomes the secret of the keys that come next. */
    public void update() {
        byte[] next = expand("traffic upd", secret.length);
        System.arraycopy(next, 0, secret, 0, secret.length);
        Arrays.fill(next, (byte) 0);
    }

    /** Overwrites it, after which it is of no use. */
    public void wipe() {
        Arrays.fill(secret, (byte) 0);
    }

    /** HKDF-Expand-Label with no context. */
    private byte[] expand(String label, int length) {
        byte[] info = new byte[2 + 1 + LABEL_PREFIX.length() + label.length() + 1];
        info[1] = (byte) length;
        info[2] = (byte) (LABEL_PREFIX.length() + label.length());
        String whole = LABEL_PREFIX + label;
        for (int i = 0; i < whole.length(); i++) {
            info[3 + i] = (byte) whole.charAt(i);
        }
        try {
            return KDF.getInstance(suite.derivation)
                    .deriveData(HKDFParameterSpec.expandOnly(new SecretKeySpec(secret, "HKDF"), info, length));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java has " + suite.derivation, e);
        }
    }
}
