package io.culvert.control.ca;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.identity.TrustDomain;
import io.culvert.testkit.FakeInstantSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CaDirectoryTest {
    private static final TrustDomain MESH = new TrustDomain("mesh.example");
    private static final SecureRandom RANDOM = new SecureRandom();

    @TempDir
    Path temp = Path.of("");

    private Path dir = Path.of("");
    private final FakeInstantSource clock = new FakeInstantSource();

    @BeforeEach
    void name() {
        dir = temp.resolve("ca");
    }

    private CaDirectory init() throws CaException {
        return CaDirectory.init(dir, MESH, Duration.ofDays(30), clock, RANDOM);
    }

    private CaDirectory open() throws CaException {
        return CaDirectory.open(dir, clock, RANDOM);
    }

    private CaException refused(CaException.Code code) {
        CaException e = assertThrows(CaException.class, this::open);
        assertEquals(code, e.code(), e.getMessage());
        return e;
    }

    private String mode(String name) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(dir.resolve(name)));
    }

    private void chmod(String name, String mode) throws IOException {
        Files.setPosixFilePermissions(dir.resolve(name), PosixFilePermissions.fromString(mode));
    }

    @Test
    void initMakesADirectoryThatOnlyItsOwnerEnters() throws Exception {
        CaDirectory made = init();
        assertEquals(MESH, made.trustDomain());
        assertEquals("rwx------", mode(""));
        assertEquals("rw-------", mode(CaFiles.SIGNER));
        assertEquals("rw-r--r--", mode(CaFiles.ROOTS));
        try (var entries = Files.list(dir)) {
            assertFalse(entries.anyMatch(e -> e.getFileName().toString().startsWith(CaFiles.TEMPORARY_PREFIX)));
        }
    }

    @Test
    void aRestartFindsTheSameRoot() throws Exception {
        CaDirectory made = init();
        assertEquals(made.signingRoot(), open().signingRoot());
        assertEquals(made.roots(), open().roots());
    }

    @Test
    void initNeverOverwritesAnAuthority() throws Exception {
        init();
        String before = Files.readString(dir.resolve(CaFiles.SIGNER));
        CaException e = assertThrows(CaException.class, this::init);
        assertEquals(CaException.Code.WOULD_OVERWRITE, e.code());
        assertEquals(before, Files.readString(dir.resolve(CaFiles.SIGNER)));
    }

    @Test
    void initLeavesOtherPeoplesFilesAlone() throws Exception {
        Files.createDirectory(dir, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        Files.writeString(dir.resolve("thesis.txt"), "years of work");
        CaException e = assertThrows(CaException.class, this::init);
        assertEquals(CaException.Code.WOULD_OVERWRITE, e.code());
        assertTrue(e.getMessage().contains("thesis.txt"), e.getMessage());
        assertEquals("years of work", Files.readString(dir.resolve("thesis.txt")));
    }

    @Test
    void initFinishesWhatAnInterruptedInitBegan() throws Exception {
        init();
        Files.delete(dir.resolve(CaFiles.SIGNER));
        Path left = Files.writeString(dir.resolve(CaFiles.TEMPORARY_PREFIX + "0123"), "half a key");
        init();
        assertEquals(MESH, open().trustDomain());
        assertFalse(Files.exists(left));
    }

    @Test
    void initMakesTheDirectoriesAbove() throws Exception {
        dir = temp.resolve("etc/culvert/ca");
        assertEquals(MESH, init().trustDomain());
        assertEquals("rwx------", mode(""));
    }

    @Test
    void initSaysWhatIsInTheWay() throws Exception {
        Path file = Files.writeString(temp.resolve("file"), "");
        dir = file.resolve("ca");
        CaException e = assertThrows(CaException.class, this::init);
        assertTrue(e.getMessage().contains(file + " is a file; name another directory"), e.getMessage());
    }

    @Test
    void saysWhatHelps_whereOnlyTheRootsAreMissing() throws Exception {
        CaDirectory made = init();
        Files.delete(dir.resolve(CaFiles.ROOTS));
        String message = refused(CaException.Code.NOT_INITIALISED).getMessage();
        assertFalse(message.contains("ca init"), message);
        String command = message.replaceFirst(".*run '", "").replaceFirst("'.*", "");
        Process helping =
                new ProcessBuilder("/bin/sh", "-c", command).inheritIO().start();
        assertEquals(0, helping.waitFor(), command);
        assertEquals(made.roots(), open().roots());
    }

    @Test
    void saysWhatHelps_whereTheSignerIsMissing() throws Exception {
        init();
        Files.delete(dir.resolve(CaFiles.SIGNER));
        assertTrue(refused(CaException.Code.NOT_INITIALISED).getMessage().contains("ca init " + dir));
        init();
        new CaRotation(dir, clock, RANDOM).prepare(Duration.ofDays(30));
        Files.delete(dir.resolve(CaFiles.SIGNER));
        assertTrue(refused(CaException.Code.NOT_INITIALISED).getMessage().contains("from a backup"));
    }

    @Test
    void reloadRefusesAnAuthorityOfAnotherTrustDomain() throws Exception {
        CaDirectory made = init();
        for (String name : List.of(CaFiles.SIGNER, CaFiles.ROOTS)) {
            Files.delete(dir.resolve(name));
        }
        CaDirectory.init(dir, new TrustDomain("other.example"), Duration.ofDays(30), clock, RANDOM);
        CaException e = assertThrows(CaException.class, made::reload);
        assertEquals(CaException.Code.WRONG_TRUST_DOMAIN, e.code());
        assertEquals(MESH, made.trustDomain());
    }

    @Test
    void refusesADirectoryWithoutAuthority_andSaysHowToMakeOne() {
        assertTrue(refused(CaException.Code.NOT_INITIALISED).getMessage().contains("ca init " + dir));
    }

    @Test
    void refusesAKeyThatOthersMayRead_namingTheFileAndTheCommand() throws Exception {
        init();
        for (String mode : new String[] {"rw-r-----", "rw----r--", "rw--w----", "rw-----w-"}) {
            chmod(CaFiles.SIGNER, mode);
            String message = refused(CaException.Code.UNSAFE_MODE).getMessage();
            assertTrue(message.contains("run 'chmod 0600 " + dir.resolve(CaFiles.SIGNER) + "'"), message);
        }
        chmod(CaFiles.SIGNER, "r--------");
        assertEquals(MESH, open().trustDomain());
    }

    @Test
    void refusesRootsThatOthersMayWrite() throws Exception {
        init();
        chmod(CaFiles.ROOTS, "rw-rw-r--");
        assertTrue(refused(CaException.Code.UNSAFE_MODE).getMessage().contains("chmod 0644"));
    }

    @Test
    void refusesADirectoryThatOthersMayEnter() throws Exception {
        init();
        chmod("", "rwxr-xr-x");
        assertTrue(refused(CaException.Code.UNSAFE_MODE).getMessage().contains("chmod 0700 " + dir));
    }

    @Test
    void refusesAnotherUsersDirectory() throws Exception {
        int self = (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        if (self == 0) {
            init();
            Files.setAttribute(dir, "unix:uid", 1);
            refused(CaException.Code.WRONG_OWNER);
        } else {
            CaException e = assertThrows(CaException.class, () -> CaDirectory.open(Path.of("/"), clock, RANDOM));
            assertEquals(CaException.Code.WRONG_OWNER, e.code());
        }
    }

    @Test
    void refusesAKeyBehindASymbolicLink() throws Exception {
        init();
        Path real = Files.move(dir.resolve(CaFiles.SIGNER), temp.resolve("elsewhere.pem"));
        Files.createSymbolicLink(dir.resolve(CaFiles.SIGNER), real);
        refused(CaException.Code.CORRUPT);
    }

    @Test
    void refusesTheKeyOfAnotherCertificate() throws Exception {
        init();
        String ours = Files.readString(dir.resolve(CaFiles.SIGNER));
        String stranger = Requests.pem(
                "PRIVATE KEY", Requests.key(RootCertificate.CURVE).getPrivate().getEncoded());
        rewrite(CaFiles.SIGNER, stranger + ours.substring(ours.indexOf("-----BEGIN CERTIFICATE")));
        refused(CaException.Code.KEY_MISMATCH);
    }

    @Test
    void refusesAFileThatIsCutOrChanged() throws Exception {
        init();
        String whole = Files.readString(dir.resolve(CaFiles.SIGNER));
        for (int length = 0; length < whole.length() - 1; length += 37) {
            rewrite(CaFiles.SIGNER, whole.substring(0, length));
            refused(CaException.Code.CORRUPT);
        }
        rewrite(CaFiles.SIGNER, whole + whole);
        refused(CaException.Code.CORRUPT);
        rewrite(CaFiles.SIGNER, "x".repeat(CaFiles.LENGTH_MAX + 1));
        refused(CaException.Code.CORRUPT);
    }

    @Test
    void refusesACertificateWhoseSignatureDoesNotHold() throws Exception {
        CaDirectory made = init();
        byte[] der = made.signingRoot().getEncoded();
        der[der.length - 1] ^= 1;
        String whole = Files.readString(dir.resolve(CaFiles.SIGNER));
        String key = whole.substring(0, whole.indexOf("-----BEGIN CERTIFICATE"));
        rewrite(CaFiles.SIGNER, key + Requests.pem("CERTIFICATE", der));
        refused(CaException.Code.CORRUPT);
    }

    @Test
    void refusesRootsWithoutTheSigningRoot() throws Exception {
        init();
        Path other = temp.resolve("other");
        CaDirectory.init(other, MESH, Duration.ofDays(1), clock, RANDOM);
        rewrite(CaFiles.ROOTS, Files.readString(other.resolve(CaFiles.ROOTS)));
        refused(CaException.Code.CORRUPT);
    }

    @Test
    void refusesALeafAmongTheRoots() throws Exception {
        CaDirectory made = init();
        var authority = new CertificateAuthority(made, CertificateAuthority.Lifetimes.DEFAULT, clock, RANDOM);
        var id = new SpiffeId(MESH, "shop", "web");
        var leaf = authority.issue(id, Requests.plain(), Duration.ofHours(1)).leaf();
        rewrite(CaFiles.ROOTS, Files.readString(dir.resolve(CaFiles.ROOTS)) + CaPem.text(List.of(leaf)));
        refused(CaException.Code.CORRUPT);
    }

    @Test
    void refusesARootThatExpired() throws Exception {
        init();
        clock.advance(Duration.ofDays(30));
        refused(CaException.Code.ROOT_EXPIRED);
    }

    @Test
    void acceptsAClockADayLate_andRefusesOneFurtherBack() throws Exception {
        init();
        clock.advance(RootCertificate.BACKDATED.negated());
        assertEquals(MESH, open().trustDomain());
        clock.advance(Duration.ofSeconds(-1));
        assertTrue(refused(CaException.Code.ROOT_NOT_YET_VALID).getMessage().contains("clock"));
    }

    @Test
    void reloadReadsOnlyWhatChanged_andKeepsTheOldWhenTheNewIsBad() throws Exception {
        CaDirectory made = init();
        assertFalse(made.reload());
        new CaRotation(dir, clock, RANDOM).prepare(Duration.ofDays(30));
        assertTrue(made.reload());
        assertEquals(2, made.roots().size());
        rewrite(CaFiles.SIGNER, "not a key");
        assertEquals(
                CaException.Code.CORRUPT,
                assertThrows(CaException.class, made::reload).code());
        assertEquals(2, made.roots().size());
    }

    @Test
    void refusesARootThatIsValidForNoTime() {
        for (Duration validity : new Duration[] {Duration.ZERO, Duration.ofDays(-1), Duration.ofDays(40_000)}) {
            CaException e = assertThrows(CaException.class, () -> CaDirectory.init(dir, MESH, validity, clock, RANDOM));
            assertEquals(CaException.Code.TTL_OUT_OF_BOUNDS, e.code());
            assertFalse(Files.exists(dir));
        }
    }

    private void rewrite(String name, String text) throws IOException {
        Files.writeString(dir.resolve(name), text);
    }
}
