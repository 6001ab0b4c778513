package io.culvert.control.ca;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.identity.TrustDomain;
import io.culvert.testkit.FakeInstantSource;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class CaRotationTest {
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final Duration MONTH = Duration.ofDays(30);

    @TempDir
    Path temp = Path.of("");

    private Path dir = Path.of("");
    private final FakeInstantSource clock = new FakeInstantSource();

    @BeforeEach
    void init() throws CaException {
        dir = temp.resolve("ca");
        CaDirectory.init(dir, TrustDomain.CLUSTER_LOCAL, MONTH, clock, RANDOM);
    }

    private CaRotation rotation() {
        return new CaRotation(dir, clock, RANDOM);
    }

    private CaDirectory open() throws CaException {
        return CaDirectory.open(dir, clock, RANDOM);
    }

    private IssuedCertificate issue() throws CaException {
        return new CertificateAuthority(open(), CertificateAuthority.Lifetimes.DEFAULT, clock, RANDOM)
                .issue(new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", "web"), Requests.plain(), Duration.ofHours(1));
    }

    private static void requireTrusted(X509Certificate leaf, List<X509Certificate> roots) {
        assertTrue(
                roots.stream().anyMatch(root -> {
                    try {
                        leaf.verify(root.getPublicKey());
                        return leaf.getIssuerX500Principal().equals(root.getSubjectX500Principal());
                    } catch (GeneralSecurityException e) {
                        return false;
                    }
                }),
                "no root signed the certificate");
    }

    @Test
    void atEveryStepEachPeerTrustsTheOther() throws Exception {
        IssuedCertificate before = issue();
        X509Certificate next = rotation().prepare(MONTH);
        IssuedCertificate prepared = issue();
        requireTrusted(prepared.leaf(), before.roots());
        assertEquals(next, rotation().activate());
        IssuedCertificate activated = issue();
        requireTrusted(activated.leaf(), prepared.roots());
        requireTrusted(prepared.leaf(), activated.roots());
        assertEquals(next, rotation().finish());
        IssuedCertificate finished = issue();
        requireTrusted(activated.leaf(), finished.roots());
        assertEquals(List.of(next), finished.roots());
        assertNotEquals(before.roots().getFirst().getSubjectX500Principal(), next.getSubjectX500Principal());
    }

    @Test
    void stepsOutOfOrderAreRefused() throws Exception {
        refused(() -> rotation().activate());
        rotation().prepare(MONTH);
        refused(() -> rotation().finish());
        rotation().activate();
        refused(() -> rotation().activate());
    }

    private static void refused(Executable step) {
        assertEquals(
                CaException.Code.ROTATION_ORDER,
                assertThrows(CaException.class, step).code());
    }

    @Test
    void prepareMayBeRepeated_alsoAfterACrashBeforeTheRootsWereWritten() throws Exception {
        Path roots = dir.resolve(CaFiles.ROOTS);
        String before = Files.readString(roots);
        X509Certificate next = rotation().prepare(MONTH);
        assertEquals(next, rotation().prepare(MONTH));
        assertEquals(2, open().roots().size());
        Files.writeString(roots, before);
        refused(() -> rotation().activate());
        assertEquals(next, rotation().prepare(MONTH));
        assertEquals(next, rotation().activate());
    }

    @Test
    void finishMayBeRepeated() throws Exception {
        rotation().prepare(MONTH);
        rotation().activate();
        assertEquals(rotation().finish(), rotation().finish());
    }
}
