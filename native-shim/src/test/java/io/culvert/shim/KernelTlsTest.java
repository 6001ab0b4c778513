package io.culvert.shim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Where the kernel has no TLS, what is tested is that it says so. */
class KernelTlsTest {
    private static final ConnectSpec PLAIN = new ConnectSpec(0, ConnectSpec.Keepalive.OFF, 0, true);
    private static final int ALERT = 21;

    private static KernelTls.Keys keys(KernelTls.Cipher cipher, int seed) {
        byte[] key = new byte[cipher.keyBytes()];
        byte[] iv = new byte[KernelTls.Keys.IV_BYTES];
        Arrays.fill(key, (byte) seed);
        Arrays.fill(iv, (byte) (seed + 1));
        return new KernelTls.Keys(cipher, key, iv);
    }

    private interface OnPair {
        void run(int client, int server) throws ShimException;
    }

    private static void withPair(OnPair test) throws ShimException {
        try (SocketFactory factory = SocketFactory.open()) {
            ListenSpec spec =
                    new ListenSpec(0, Address.v4Low(0x7f000001), 0, 1, ListenSpec.Transparency.NEVER, false, 0);
            int listener = factory.listenTcp(null, spec);
            Address at = new Address();
            SocketFactory.localAddress(listener, at);
            int client = SocketFactory.fdOf(factory.connectTcp(null, PLAIN, at.high(), at.low(), at.port(), 0, 0));
            int server = NativeLibrary.CALLS.culvert_fdpass_accept(listener, 1000);
            try {
                test.run(client, server);
            } finally {
                Fds.close(client);
                Fds.close(server);
                Fds.close(listener);
            }
        }
    }

    private static boolean isThere() {
        try {
            boolean _ = KernelTls.probe(KernelTls.Cipher.AES_128_GCM);
            return true;
        } catch (ShimException e) {
            assertTrue(e.is(Errno.ENOENT), e.getMessage());
            return false;
        }
    }

    @Test
    void sendsRecords_ofEveryCipher() throws ShimException {
        boolean there = isThere();
        for (KernelTls.Cipher cipher : KernelTls.Cipher.values()) {
            withPair((client, server) -> {
                if (!there) {
                    assertTrue(assertThrows(ShimException.class, () -> KernelTls.attach(client))
                            .is(Errno.ENOENT));
                    return;
                }
                KernelTls.attach(client);
                KernelTls.attach(server);
                KernelTls.sendKeys(client, keys(cipher, 1), 3);
                KernelTls.receiveKeys(server, keys(cipher, 1), 3);
                byte[] in = new byte[64];
                assertEquals(KernelTls.AGAIN, KernelTls.receive(server, in));
                assertTrue(KernelTls.send(client, ALERT, new byte[] {1, 0}));
                long alert = KernelTls.receive(server, in);
                for (int i = 0; i < 1_000 && alert == KernelTls.AGAIN; i++) {
                    Thread.onSpinWait();
                    alert = KernelTls.receive(server, in);
                }
                assertEquals(ALERT, KernelTls.typeOf(alert));
                assertEquals(2, KernelTls.lengthOf(alert));
                assertArrayEquals(new byte[] {1, 0}, Arrays.copyOf(in, 2));
            });
        }
    }

    @Test
    void tellsWhatTcpStillHas() throws ShimException {
        withPair((client, server) -> assertEquals(0, KernelTls.unsent(client)));
        assertThrows(ShimException.class, () -> KernelTls.unsent(-1));
    }

    @Test
    void wipesKeys_andTakesNoOthers() {
        assertThrows(
                IllegalArgumentException.class,
                () -> new KernelTls.Keys(KernelTls.Cipher.AES_128_GCM, new byte[32], new byte[12]));
        KernelTls.Keys keys = keys(KernelTls.Cipher.AES_256_GCM, 5);
        keys.wipe();
        assertArrayEquals(new byte[32], keys.key());
        assertArrayEquals(new byte[12], keys.iv());
    }
}
