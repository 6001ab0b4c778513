package io.culvert.agent.grpc;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.culvert.agent.certs.TestCa;
import java.io.IOException;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ServerVerifierTest {
    private static final TestCa CA = TestCa.root("root");

    @ParameterizedTest
    @CsvSource({
        "istiod.istio-system.svc, istiod.istio-system.svc, true",
        "istiod.istio-system.svc, ISTIOD.Istio-System.svc, true",
        "istiod.istio-system.svc, istiod.istio-system.svc., true",
        "istiod.istio-system.svc, other.istio-system.svc, false",
        "*.istio-system.svc, istiod.istio-system.svc, true",
        "*.istio-system.svc, a.b.istio-system.svc, false",
        "*.istio-system.svc, istio-system.svc, false",
        "*.svc, istiod.svc, false",
        "i*.istio-system.svc, istiod.istio-system.svc, false",
        "*, istiod, false"
    })
    void matchesNames(String carried, String wanted, boolean expected) {
        X509Certificate leaf = CA.sign(new TestCa.Leaf().dns(carried)).getFirst();
        assertEquals(expected, ServerVerifier.carries(leaf, wanted));
    }

    @ParameterizedTest
    @CsvSource({
        "127.0.0.1, 127.0.0.1, true",
        "127.0.0.1, 127.0.0.2, false",
        "2001:db8::1, 2001:db8:0:0::1, true",
        "2001:db8::1, 2001:db8::2, false"
    })
    void matchesAddresses(String carried, String wanted, boolean expected) {
        X509Certificate leaf = CA.sign(new TestCa.Leaf().ip(carried)).getFirst();
        assertEquals(expected, ServerVerifier.carries(leaf, wanted));
    }

    /** A certificate that names what it is for must name this. */
    @Test
    void takesServersCertificates_alsoThoseThatNameNoPurpose() throws IOException {
        Instant now = Instant.now();
        ServerVerifier verifier = new ServerVerifier(List.of(CA.root()), List.of("istiod"));
        for (KeyPurposeId[] purposes : new KeyPurposeId[][] {
            {}, {KeyPurposeId.id_kp_serverAuth}, {KeyPurposeId.id_kp_clientAuth, KeyPurposeId.id_kp_serverAuth}
        }) {
            assertDoesNotThrow(() -> verifier.checkServerTrusted(chain(now, purposes), "UNKNOWN"));
            assertDoesNotThrow(() -> verifier.checkServerTrusted(chain(now, purposes), "ECDHE_ECDSA"));
        }
        X509Certificate[] client = chain(now, KeyPurposeId.id_kp_clientAuth);
        assertThrows(CertificateException.class, () -> verifier.checkServerTrusted(client, "UNKNOWN"));
        assertThrows(CertificateException.class, () -> verifier.checkServerTrusted(client, "ECDHE_ECDSA"));
    }

    private static X509Certificate[] chain(Instant now, KeyPurposeId... purposes) {
        TestCa.Leaf leaf = new TestCa.Leaf().dns("istiod").valid(now.minusSeconds(60), now.plusSeconds(600));
        return CA.sign(purposes.length == 0 ? leaf : leaf.purposes(purposes)).toArray(X509Certificate[]::new);
    }

    @Test
    void takesNoNameForAnAddress_norAnythingWithoutNames() {
        X509Certificate named = CA.sign(new TestCa.Leaf().dns("127.0.0.1")).getFirst();
        assertEquals(false, ServerVerifier.carries(named, "127.0.0.1"));
        X509Certificate bare = CA.sign(new TestCa.Leaf()).getFirst();
        assertEquals(false, ServerVerifier.carries(bare, "leaf"));
    }
}
