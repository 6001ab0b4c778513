package io.culvert.control.ca;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.identity.TrustDomain;
import io.culvert.testkit.CommandResult;
import io.culvert.testkit.Commands;
import io.culvert.testkit.FakeInstantSource;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CertificateAuthorityTest {
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final SpiffeId WEB = new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", "web");
    private static final Duration HOUR = Duration.ofHours(1);
    private static final Instant START = Instant.parse("2030-01-02T03:04:05.678Z");

    @TempDir
    Path temp = Path.of("");

    private Path dir = Path.of("");
    private final FakeInstantSource clock = new FakeInstantSource(START);

    @BeforeEach
    void init() throws CaException {
        dir = temp.resolve("ca");
        CaDirectory.init(dir, TrustDomain.CLUSTER_LOCAL, Duration.ofDays(30), clock, RANDOM);
    }

    private CertificateAuthority authority() throws CaException {
        return new CertificateAuthority(
                CaDirectory.open(dir, clock, RANDOM), CertificateAuthority.Lifetimes.DEFAULT, clock, RANDOM);
    }

    private void refused(CaException.Code code, CertificateAuthority authority, SpiffeId id, Duration ttl) {
        CaException e = assertThrows(CaException.class, () -> authority.issue(id, Requests.plain(), ttl));
        assertEquals(code, e.code(), e.getMessage());
    }

    private CommandResult openssl(String... arguments) {
        List<String> command = new ArrayList<>(List.of("openssl"));
        command.addAll(List.of(arguments));
        return Commands.run(Duration.ofSeconds(30), command);
    }

    private Path saved(X509Certificate certificate) throws Exception {
        return Files.writeString(temp.resolve("leaf.pem"), Requests.pem("CERTIFICATE", certificate.getEncoded()));
    }

    private CommandResult verify(Path leaf, String purpose, Instant at) {
        return openssl(
                "verify",
                "-x509_strict",
                "-check_ss_sig",
                "-purpose",
                purpose,
                "-attime",
                "" + at.getEpochSecond(),
                "-CAfile",
                dir.resolve(CaFiles.ROOTS).toString(),
                leaf.toString());
    }

    @Test
    void opensslAcceptsTheCertificateForClientsAndServers_andForNothingElse() throws Exception {
        Path leaf = saved(authority().issue(WEB, Requests.plain(), HOUR).leaf());
        verify(leaf, "sslclient", START).expectOk();
        verify(leaf, "sslserver", START).expectOk();
        assertFalse(verify(leaf, "smimesign", START).ok());
        assertFalse(verify(leaf, "crlsign", START).ok());
        assertTrue(
                verify(leaf, "sslserver", START.plus(HOUR).plusSeconds(1)).out().isEmpty());
        assertFalse(verify(leaf, "sslserver", START.plus(HOUR).plusSeconds(1)).ok());
        assertFalse(verify(leaf, "sslserver", START.minusSeconds(61)).ok());
        verify(leaf, "sslserver", START.minusSeconds(59)).expectOk();
    }

    @Test
    void opensslReadsOneCriticalSpiffeNameAndAnEmptySubject() throws Exception {
        Path leaf = saved(authority().issue(WEB, Requests.plain(), HOUR).leaf());
        String text = openssl("x509", "-in", leaf.toString(), "-noout", "-text")
                .expectOk()
                .out();
        assertTrue(
                text.contains("X509v3 Subject Alternative Name: critical\n                URI:" + WEB.uri() + "\n"),
                text);
        assertTrue(text.contains("Subject: \n"), text);
        assertTrue(text.contains("X509v3 Key Usage: critical\n                Digital Signature\n"), text);
        assertTrue(text.contains("TLS Web Client Authentication, TLS Web Server Authentication\n"), text);
        assertTrue(text.contains("X509v3 Basic Constraints: critical\n                CA:FALSE\n"), text);
        assertTrue(text.contains("Signature Algorithm: ecdsa-with-SHA256"), text);
        assertTrue(text.contains("NIST CURVE: P-256"), text);
    }

    @Test
    void opensslReadsTheRootAsAnAuthorityThatSignsLeavesOnly() {
        String text = openssl("x509", "-in", dir.resolve(CaFiles.ROOTS).toString(), "-noout", "-text")
                .expectOk()
                .out();
        assertTrue(text.contains("CA:TRUE, pathlen:0"), text);
        assertTrue(text.contains("Certificate Sign, CRL Sign"), text);
        assertTrue(text.contains("URI:spiffe://cluster.local\n"), text);
    }

    @Test
    void certifiesARequestThatOpensslMade() throws Exception {
        String csr = temp.resolve("csr.der").toString();
        openssl(
                        "req",
                        "-new",
                        "-newkey",
                        "ec",
                        "-pkeyopt",
                        "ec_paramgen_curve:P-256",
                        "-nodes",
                        "-sha256",
                        "-subj",
                        "/",
                        "-addext",
                        "subjectAltName=critical,URI:" + WEB.uri(),
                        "-keyout",
                        temp.resolve("key.pem").toString(),
                        "-outform",
                        "DER",
                        "-out",
                        csr)
                .expectOk();
        X509Certificate leaf =
                authority().issue(WEB, Files.readAllBytes(Path.of(csr)), HOUR).leaf();
        verify(saved(leaf), "sslserver", START).expectOk();
        String fromKey = openssl("pkey", "-in", temp.resolve("key.pem").toString(), "-pubout")
                .expectOk()
                .out();
        assertEquals(Requests.pem("PUBLIC KEY", leaf.getPublicKey().getEncoded()), fromKey);
    }

    @Test
    void certifiesTheKeyOfTheRequest() throws Exception {
        KeyPair key = Requests.key(RootCertificate.CURVE);
        IssuedCertificate issued = authority().issue(WEB, Requests.signed(key, request -> {}), HOUR);
        assertArrayEquals(
                key.getPublic().getEncoded(), issued.leaf().getPublicKey().getEncoded());
        assertEquals(1, issued.chain().size());
        assertEquals(CaDirectory.open(dir, clock, RANDOM).roots(), issued.roots());
    }

    @Test
    void startsAMinuteInThePast_andEndsAfterTheLifetimeAskedFor() throws Exception {
        X509Certificate leaf =
                authority().issue(WEB, Requests.plain(), Duration.ofSeconds(10)).leaf();
        assertEquals(Instant.parse("2030-01-02T03:03:05Z"), leaf.getNotBefore().toInstant());
        assertEquals(Instant.parse("2030-01-02T03:04:15Z"), leaf.getNotAfter().toInstant());
    }

    @Test
    void neverOutlivesTheRoot() throws Exception {
        CertificateAuthority authority = authority();
        clock.advance(Duration.ofDays(30).minus(Duration.ofMinutes(5)));
        X509Certificate leaf = authority.issue(WEB, Requests.plain(), HOUR).leaf();
        assertEquals(CaDirectory.open(dir, clock, RANDOM).signingRoot().getNotAfter(), leaf.getNotAfter());
        clock.advance(Duration.ofMinutes(5));
        refused(CaException.Code.ROOT_EXPIRED, authority, WEB, HOUR);
    }

    @Test
    void refusesWhenTheClockWasSetBackBeforeTheRoot() throws Exception {
        CertificateAuthority authority = authority();
        clock.advance(Duration.ofDays(-2));
        refused(CaException.Code.ROOT_NOT_YET_VALID, authority, WEB, HOUR);
        clock.set(START);
        assertEquals(1, authority.issue(WEB, Requests.plain(), HOUR).chain().size());
    }

    @Test
    void refusesLifetimesOutsideTheBounds() throws Exception {
        CertificateAuthority authority = authority();
        for (Duration ttl : List.of(
                Duration.ZERO,
                Duration.ofSeconds(-1),
                Duration.ofMillis(9_999),
                Duration.ofHours(24).plusNanos(1))) {
            refused(CaException.Code.TTL_OUT_OF_BOUNDS, authority, WEB, ttl);
        }
        assertEquals(
                1,
                authority
                        .issue(WEB, Requests.plain(), Duration.ofHours(24))
                        .chain()
                        .size());
    }

    @Test
    void refusesBoundsThatMakeNoSense() {
        Duration ten = Duration.ofSeconds(10);
        assertThrows(
                IllegalArgumentException.class, () -> new CertificateAuthority.Lifetimes(Duration.ofSeconds(9), HOUR));
        assertThrows(IllegalArgumentException.class, () -> new CertificateAuthority.Lifetimes(ten, Duration.ofDays(8)));
        assertThrows(
                IllegalArgumentException.class, () -> new CertificateAuthority.Lifetimes(HOUR, Duration.ofMinutes(1)));
    }

    @Test
    void refusesAnotherTrustDomain() throws Exception {
        SpiffeId stranger = new SpiffeId(new TrustDomain("evil.example"), "shop", "web");
        refused(CaException.Code.WRONG_TRUST_DOMAIN, authority(), stranger, HOUR);
    }

    @Test
    void serialsAreLargeAndNeverRepeat() throws Exception {
        Set<BigInteger> seen = new HashSet<>();
        for (int i = 0; i < 5_000; i++) {
            BigInteger serial = Serials.next(RANDOM);
            assertTrue(serial.signum() > 0 && serial.bitLength() <= 127 && serial.bitLength() > 64);
            assertTrue(seen.add(serial));
        }
        BigInteger issued =
                authority().issue(WEB, Requests.plain(), HOUR).leaf().getSerialNumber();
        assertTrue(issued.bitLength() > 64 && issued.bitLength() <= 127);
    }

    @Test
    void aRotatedRootSignsOnceTheDirectoryIsReloaded() throws Exception {
        CaDirectory directory = CaDirectory.open(dir, clock, RANDOM);
        var authority = new CertificateAuthority(directory, CertificateAuthority.Lifetimes.DEFAULT, clock, RANDOM);
        CaRotation rotation = new CaRotation(dir, clock, RANDOM);
        X509Certificate next = rotation.prepare(Duration.ofDays(30));
        rotation.activate();
        assertTrue(directory.reload());
        IssuedCertificate issued = authority.issue(WEB, Requests.plain(), HOUR);
        issued.leaf().verify(next.getPublicKey());
        assertEquals(2, issued.roots().size());
    }
}
