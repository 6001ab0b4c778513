package io.culvert.agent.tls;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.shim.Errno;
import io.culvert.shim.KernelTls;
import io.culvert.shim.ShimException;
import java.util.Map;
import org.junit.jupiter.api.Test;

class KernelTlsSupportTest {
    @Test
    void takesWhatTheKernelKnows() {
        KernelTlsSupport found = KernelTlsSupport.probe("6.1.0-42-amd64", cipher -> {
            if (cipher == KernelTls.Cipher.CHACHA20_POLY1305) {
                throw new ShimException("setsockopt(TLS_TX)", Errno.ENOENT);
            }
            return false;
        });
        assertTrue(found.isThere());
        assertEquals(Map.of(KernelTls.Cipher.AES_128_GCM, false, KernelTls.Cipher.AES_256_GCM, false), found.ciphers());
        assertTrue(found.status().contains("6.14"), found.status());
        assertFalse(KernelTlsSupport.probe("7.0.1", cipher -> true).status().contains("6.14"));
    }

    @Test
    void saysWhyThereIsNone() {
        KernelTlsSupport absent = KernelTlsSupport.probe("6.18.5", cipher -> {
            throw new ShimException("setsockopt(TCP_ULP)", Errno.ENOENT);
        });
        assertFalse(absent.isThere());
        assertTrue(absent.status().contains("module tls"), absent.status());
        KernelTlsSupport forbidden = KernelTlsSupport.probe("6.18.5", cipher -> {
            throw new ShimException("setsockopt(TCP_ULP)", Errno.EPERM);
        });
        assertTrue(forbidden.status().contains("EPERM"), forbidden.status());
    }

    @Test
    void leavesOldKernelsAlone() {
        for (String release : new String[] {"5.15.0-91-generic", "4.18", "", "x.y"}) {
            KernelTlsSupport old = KernelTlsSupport.probe(release, cipher -> {
                throw new AssertionError("not even tried");
            });
            assertFalse(old.isThere());
            assertTrue(old.status().contains("older"), old.status());
        }
    }

    @Test
    void asksThisKernel() {
        KernelTlsSupport here = KernelTlsSupport.probe();
        assertTrue(
                here.isThere()
                        ? here.status().startsWith("in use")
                        : here.status().startsWith("not "),
                here.status());
    }
}
