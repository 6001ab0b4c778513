package io.culvert.agent.tls;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.culvert.shim.KernelTls;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrafficSecretTest {
    private static final String SUITE = "TLS_AES_128_GCM_SHA256";

    /** The example handshake of RFC 8448, section 3. */
    @ParameterizedTest
    @CsvSource({
        "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5,"
                + "17422dda596ed5d9acd890e3c63f5051,5b78923dee08579033e523d9",
        "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643,"
                + "9f02283b6c9c07efc26bb9f2ac92e356,cf782b88dd83549aadf1e984"
    })
    void givesTheKeysOfTheStandardsExample(String secret, String key, String iv) {
        KernelTls.Keys keys =
                TrafficSecret.of(SUITE, HexFormat.of().parseHex(secret)).keys();
        assertEquals(KernelTls.Cipher.AES_128_GCM, keys.cipher());
        assertEquals(key, HexFormat.of().formatHex(keys.key()));
        assertEquals(iv, HexFormat.of().formatHex(keys.iv()));
    }

    /** HKDF-Expand of one block, written out. */
    private static byte[] expanded(String mac, byte[] secret, String label, int length)
            throws GeneralSecurityException {
        byte[] text = ("tls13 " + label).getBytes(StandardCharsets.US_ASCII);
        Mac hmac = Mac.getInstance(mac);
        hmac.init(new SecretKeySpec(secret, mac));
        hmac.update(new byte[] {0, (byte) length, (byte) text.length});
        hmac.update(text);
        hmac.update(new byte[] {0, 1});
        return Arrays.copyOf(hmac.doFinal(), length);
    }

    @ParameterizedTest
    @CsvSource({
        "TLS_AES_128_GCM_SHA256,HmacSHA256,32,16",
        "TLS_AES_256_GCM_SHA384,HmacSHA384,48,32",
        "TLS_CHACHA20_POLY1305_SHA256,HmacSHA256,32,32"
    })
    void givesTheNextKeys_onceItIsUpdated(String suite, String mac, int secretBytes, int keyBytes)
            throws GeneralSecurityException {
        byte[] secret = new byte[secretBytes];
        Arrays.fill(secret, (byte) 7);
        byte[] next = expanded(mac, secret, "traffic upd", secretBytes);
        TrafficSecret ours = TrafficSecret.of(suite, secret);
        ours.update();
        KernelTls.Keys keys = ours.keys();
        assertEquals(TrafficSecret.cipherOf(suite), keys.cipher());
        assertArrayEquals(expanded(mac, next, "key", keyBytes), keys.key());
        assertArrayEquals(expanded(mac, next, "iv", 12), keys.iv());
        ours.wipe();
        assertArrayEquals(new byte[secretBytes], secret);
    }

    @Test
    void knowsTheSuitesOf13Alone() {
        assertNull(TrafficSecret.cipherOf("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"));
        assertThrows(IllegalArgumentException.class, () -> TrafficSecret.of("other", new byte[32]));
        assertThrows(IllegalArgumentException.class, () -> TrafficSecret.of(SUITE, new byte[48]));
    }
}
