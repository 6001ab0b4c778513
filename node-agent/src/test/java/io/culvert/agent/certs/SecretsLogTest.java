package io.culvert.agent.certs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.culvert.agent.config.TlsConfig;
import io.culvert.agent.tls.KernelTlsSupport;
import io.culvert.agent.tls.SecretsLog;
import io.culvert.agent.tls.TlsProfile;
import io.culvert.agent.tls.TrafficSecret;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.shim.KernelTls;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What the library's engines agree on is what their records are protected with. */
class SecretsLogTest {
    private static final SpiffeId NEAR = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/near");
    private static final SpiffeId FAR = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/far");
    private static final TestCa CA = TestCa.root("root");
    private static final TlsProfile KERNEL = TlsProfile.of(
            TlsConfig.STANDARD,
            new KernelTlsSupport(
                    Map.of(
                            KernelTls.Cipher.AES_128_GCM, true,
                            KernelTls.Cipher.AES_256_GCM, true,
                            KernelTls.Cipher.CHACHA20_POLY1305, true),
                    "for a test"));
    private static final byte[] HELLO = "hello".getBytes(StandardCharsets.US_ASCII);

    private static void move(SSLEngine from, SSLEngine to) throws SSLException {
        ByteBuffer out = ByteBuffer.allocateDirect(64 * 1024);
        for (int i = 0; i < 8; i++) {
            from.wrap(ByteBuffer.allocate(0), out);
        }
        out.flip();
        ByteBuffer plain = ByteBuffer.allocateDirect(64 * 1024);
        for (int i = 0; i < 16; i++) {
            to.unwrap(out, plain);
        }
    }

    private static void shakeHands(SSLEngine client, SSLEngine server) throws SSLException {
        client.beginHandshake();
        server.beginHandshake();
        for (int i = 0; i < 4; i++) {
            move(client, server);
            move(server, client);
        }
    }

    private static byte[] secret(byte @Nullable [] secret) {
        if (secret == null) {
            throw new AssertionError("no secret");
        }
        return secret;
    }

    /** What is in the first record that an engine makes after its handshake. */
    private static byte[] opened(SSLEngine from, byte[] secret) throws GeneralSecurityException, SSLException {
        ByteBuffer out = ByteBuffer.allocateDirect(64 * 1024);
        from.wrap(ByteBuffer.wrap(HELLO), out);
        byte[] record = new byte[out.flip().remaining()];
        out.get(record);
        KernelTls.Keys keys =
                TrafficSecret.of(from.getSession().getCipherSuite(), secret).keys();
        boolean gcm = keys.cipher() != KernelTls.Cipher.CHACHA20_POLY1305;
        Cipher cipher = Cipher.getInstance(gcm ? "AES/GCM/NoPadding" : "ChaCha20-Poly1305");
        // The first record's number is 0, so that the nonce is the IV itself.
        cipher.init(
                Cipher.DECRYPT_MODE,
                new SecretKeySpec(keys.key(), gcm ? "AES" : "ChaCha20"),
                gcm ? new GCMParameterSpec(128, keys.iv()) : new IvParameterSpec(keys.iv()));
        cipher.updateAAD(record, 0, 5);
        return cipher.doFinal(record, 5, record.length - 5);
    }

    @Test
    void tellsTheSecretsOfBothDirections_once() throws GeneralSecurityException, SSLException {
        TlsMaterial near = CA.material(NEAR, KERNEL);
        TlsMaterial far = CA.material(FAR, KERNEL);
        SSLEngine client = near.clientEngine(List.of(FAR));
        SSLEngine server = far.serverEngine();
        shakeHands(client, server);
        SecretsLog.Agreed atClient = near.takeSecrets(client);
        SecretsLog.Agreed atServer = far.takeSecrets(server);
        assertNotNull(atClient);
        assertNotNull(atServer);
        assertArrayEquals(secret(atClient.client()), secret(atServer.client()));
        assertArrayEquals(secret(atClient.server()), secret(atServer.server()));
        byte[] inner = Arrays.copyOf(HELLO, HELLO.length + 1);
        inner[HELLO.length] = 23;
        assertArrayEquals(inner, opened(client, secret(atClient.client())));
        assertArrayEquals(inner, opened(server, secret(atClient.server())));
        assertNull(near.takeSecrets(client), "taken");
        near.release(client);
        far.release(server);
    }

    @Test
    void keepsNothingOfEnginesThatAreGone_norWhereNobodyAsked() throws SSLException {
        TlsMaterial near = CA.material(NEAR, KERNEL);
        TlsMaterial far = CA.material(FAR, TlsProfile.STANDARD);
        SSLEngine client = near.clientEngine(List.of(FAR));
        SSLEngine server = far.serverEngine();
        shakeHands(client, server);
        assertEquals(1, near.secretsKept());
        assertNull(far.takeSecrets(server));
        near.release(client);
        assertEquals(0, near.secretsKept());
        far.release(server);
    }
}
