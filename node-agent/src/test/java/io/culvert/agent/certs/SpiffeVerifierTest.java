package io.culvert.agent.certs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.culvert.agent.certs.PeerRejectedException.Why;
import io.culvert.agent.certs.TestCa.Leaf;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.testkit.FakeInstantSource;
import io.netty.handler.ssl.OpenSslCertificateException;
import java.net.Socket;
import java.security.NoSuchAlgorithmException;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SpiffeVerifierTest {
    private static final SpiffeId SELF = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/self");
    private static final SpiffeId PEER = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/peer");
    private static final SpiffeId OTHER = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/other");
    private static final TestCa CA = TestCa.root("root");
    private static final TestCa FOREIGN = TestCa.root("root");

    private final FakeInstantSource clock = new FakeInstantSource(TestCa.EPOCH);
    private final SpiffeVerifier verifier = new SpiffeVerifier(SELF, List.of(CA.root()), clock, CrlStore.none());

    private static SSLEngine engine() {
        try {
            return SSLContext.getDefault().createSSLEngine();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private void checkClient(List<X509Certificate> chain) throws CertificateException {
        verifier.checkClientTrusted(chain.toArray(X509Certificate[]::new), "UNKNOWN", engine());
    }

    private void checkServer(List<X509Certificate> chain, SpiffeId... expected) throws CertificateException {
        SSLEngine engine = engine();
        verifier.expect(engine, List.of(expected));
        verifier.checkServerTrusted(chain.toArray(X509Certificate[]::new), "UNKNOWN", engine);
    }

    private void assertRefused(Why why, List<X509Certificate> chain) {
        assertEquals(why, rejection(() -> checkClient(chain)).why());
        assertEquals(why, rejection(() -> checkServer(chain, PEER)).why());
    }

    @Test
    void acceptsAPeerOfOurRootAndTrustDomain_inBothRoles() {
        List<X509Certificate> chain = CA.sign(TestCa.leaf(PEER));
        assertDoesNotThrow(() -> checkClient(chain));
        assertDoesNotThrow(() -> checkServer(chain, OTHER, PEER));
    }

    @Test
    void tellsTrustDomainsApart_thatDifferInCapitalsOnly() {
        SpiffeId peer = SpiffeId.parse("spiffe://Corp.Example/ns/shop/sa/peer");
        X509Certificate[] chain = CA.sign(TestCa.leaf(peer)).toArray(X509Certificate[]::new);
        SpiffeVerifier same = new SpiffeVerifier(
                SpiffeId.parse("spiffe://Corp.Example/ns/shop/sa/self"), List.of(CA.root()), clock, CrlStore.none());
        assertDoesNotThrow(() -> same.checkClientTrusted(chain, "UNKNOWN", engine()));
        SpiffeVerifier other = new SpiffeVerifier(
                SpiffeId.parse("spiffe://corp.example/ns/shop/sa/self"), List.of(CA.root()), clock, CrlStore.none());
        assertEquals(
                Why.OTHER_TRUST_DOMAIN,
                rejection(() -> other.checkClientTrusted(chain, "UNKNOWN", engine()))
                        .why());
    }

    @Test
    void acceptsIntermediates_andARootSentAlong() {
        List<X509Certificate> chain =
                new ArrayList<>(CA.intermediate("a").intermediate("b").sign(TestCa.leaf(PEER)));
        assertDoesNotThrow(() -> checkClient(chain));
        chain.add(CA.root());
        assertDoesNotThrow(() -> checkClient(chain));
    }

    @Test
    void acceptsEitherOfTwoRoots() {
        SpiffeVerifier both = new SpiffeVerifier(SELF, List.of(CA.root(), FOREIGN.root()), clock, CrlStore.none());
        for (TestCa root : List.of(CA, FOREIGN)) {
            X509Certificate[] chain = root.sign(TestCa.leaf(PEER)).toArray(X509Certificate[]::new);
            assertDoesNotThrow(() -> both.checkClientTrusted(chain, "UNKNOWN", engine()));
        }
        assertArrayEquals(new X509Certificate[] {CA.root(), FOREIGN.root()}, both.getAcceptedIssuers());
    }

    @Test
    void refusesAnotherRoot_evenOfTheSameName() {
        assertRefused(Why.UNTRUSTED, FOREIGN.sign(TestCa.leaf(PEER)));
    }

    @Test
    void refusesAChainWithAMissingIntermediate() {
        List<X509Certificate> chain = CA.intermediate("a").sign(TestCa.leaf(PEER));
        assertRefused(Why.UNTRUSTED, chain.subList(0, 1));
    }

    @Test
    void refusesAnEmptyChain_andALongOne() {
        assertRefused(Why.UNTRUSTED, List.of());
        TestCa deep = CA;
        for (int i = 0; i < PathFinder.PATH_MAX - 1; i++) {
            deep = deep.intermediate("a" + i);
        }
        List<X509Certificate> longest = deep.sign(TestCa.leaf(PEER));
        assertDoesNotThrow(() -> checkClient(longest));
        assertRefused(Why.UNTRUSTED, deep.intermediate("b").sign(TestCa.leaf(PEER)));
    }

    @Test
    void ignoresWhatIsSentBesideThePath_whereverItStands() {
        TestCa middle = CA.intermediate("middle");
        X509Certificate expired = CA.sign(TestCa.leaf(OTHER)
                        .authority()
                        .valid(TestCa.EPOCH.minusSeconds(100), TestCa.EPOCH.minusSeconds(1)))
                .getFirst();
        List<X509Certificate> chain = middle.sign(TestCa.leaf(PEER));
        for (X509Certificate extra : List.of(
                FOREIGN.root(), expired, FOREIGN.sign(TestCa.leaf(OTHER)).getFirst(), chain.getLast())) {
            for (int at = 1; at <= chain.size(); at++) {
                List<X509Certificate> more = new ArrayList<>(chain);
                more.add(at, extra);
                assertDoesNotThrow(() -> checkClient(more));
                assertDoesNotThrow(() -> checkServer(more, PEER));
            }
        }
        assertDoesNotThrow(
                () -> checkClient(List.of(CA.sign(TestCa.leaf(PEER)).getFirst(), FOREIGN.root(), CA.root())));
    }

    @Test
    void findsThePath_thoughItsPartsAreInDisorder() {
        List<X509Certificate> chain =
                CA.intermediate("a").intermediate("b").intermediate("c").sign(TestCa.leaf(PEER));
        assertDoesNotThrow(
                () -> checkClient(List.of(chain.get(0), chain.get(3), chain.get(1), CA.root(), chain.get(2))));
        assertRefused(Why.UNTRUSTED, List.of(chain.get(1), chain.get(0), chain.get(2), chain.get(3)));
    }

    @Test
    void findsThePathToOurRoot_whenAnAuthorityIsSignedByAnotherOneToo() {
        TestCa middle = CA.intermediate("middle");
        List<X509Certificate> chain = new ArrayList<>(middle.sign(TestCa.leaf(PEER)));
        chain.add(1, FOREIGN.crossSign(middle));
        assertDoesNotThrow(() -> checkClient(chain));
        chain.remove(2);
        assertRefused(Why.UNTRUSTED, chain);
    }

    @Test
    void trustsNobodyMore_whateverIsSentAlong() {
        List<X509Certificate> honest = CA.intermediate("middle").sign(TestCa.leaf(OTHER));
        List<X509Certificate> forged =
                new ArrayList<>(FOREIGN.intermediate("middle").sign(TestCa.leaf(PEER)));
        forged.addAll(honest);
        forged.add(CA.root());
        assertRefused(Why.UNTRUSTED, forged);
        // It was issued by a workload, which is no authority.
        List<X509Certificate> below = new ArrayList<>(List.of(forged.getFirst()));
        below.addAll(honest);
        assertRefused(Why.UNTRUSTED, below);
    }

    /** Each of them names and signs the next, so that there is no end of ways that lead nowhere. */
    @Test
    void givesUpWithinItsBounds_whenNamesakesSignEachOther() {
        List<TestCa> namesakes = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            namesakes.add(TestCa.root("maze"));
        }
        TestCa middle = CA.intermediate("maze");
        List<X509Certificate> maze = new ArrayList<>();
        for (TestCa by : namesakes) {
            namesakes.stream().filter(of -> of != by).map(by::crossSign).forEach(maze::add);
        }
        List<X509Certificate> lost = new ArrayList<>(namesakes.getFirst().sign(TestCa.leaf(PEER)));
        lost.addAll(maze);
        assertRefused(Why.UNTRUSTED, lost);
        List<X509Certificate> honest = new ArrayList<>(middle.sign(TestCa.leaf(PEER)));
        honest.addAll(1, maze.subList(0, SpiffeVerifier.SENT_MAX - 2));
        assertDoesNotThrow(() -> checkClient(honest));
    }

    @Test
    void looksAtTheFirstCertificatesAlone_ofManyThatAreSent() {
        List<X509Certificate> chain = new ArrayList<>(CA.intermediate("middle").sign(TestCa.leaf(PEER)));
        X509Certificate extra = FOREIGN.sign(TestCa.leaf(OTHER)).getFirst();
        for (int i = 0; i < 100; i++) {
            chain.add(extra);
        }
        assertDoesNotThrow(() -> checkClient(chain));
        chain.add(SpiffeVerifier.SENT_MAX, chain.remove(1));
        assertRefused(Why.UNTRUSTED, chain);
    }

    @Test
    void remembersAChainUntilItsPathEnds_whateverElseWasSent() throws CertificateException {
        Instant soon = TestCa.EPOCH.plusSeconds(60);
        List<X509Certificate> chain = new ArrayList<>(CA.sign(TestCa.leaf(PEER)));
        chain.add(FOREIGN.sign(TestCa.leaf(OTHER).authority().valid(TestCa.EPOCH.minusSeconds(60), soon))
                .getFirst());
        checkClient(chain);
        clock.set(soon.plusSeconds(1));
        assertDoesNotThrow(() -> checkClient(chain));
        clock.advance(Duration.ofDays(2));
        assertRefused(Why.NOT_VALID_NOW, chain);
    }

    @Test
    void refusesALeafThatSignedALeaf() {
        TestCa notAnAuthority = CA.intermediate("a");
        List<X509Certificate> chain = new ArrayList<>(notAnAuthority.sign(TestCa.leaf(PEER)));
        chain.set(1, CA.sign(TestCa.leaf(OTHER)).getFirst());
        assertRefused(Why.UNTRUSTED, chain);
    }

    @Test
    void refusesAnAuthorityAsAWorkload() {
        assertRefused(Why.UNTRUSTED, CA.sign(TestCa.leaf(PEER).authority()));
        assertRefused(Why.UNTRUSTED, List.of(CA.root()));
    }

    @Test
    void refusesWhatIsExpired_andWhatIsNotValidYet() {
        Instant now = TestCa.EPOCH;
        assertRefused(Why.NOT_VALID_NOW, CA.sign(TestCa.leaf(PEER).valid(now.minusSeconds(100), now.minusSeconds(1))));
        assertRefused(Why.NOT_VALID_NOW, CA.sign(TestCa.leaf(PEER).valid(now.plusSeconds(1), now.plusSeconds(100))));
    }

    @Test
    void refusesARememberedChain_onceItIsNotValidAnyMore() throws CertificateException {
        List<X509Certificate> chain = CA.sign(TestCa.leaf(PEER));
        checkClient(chain);
        clock.advance(Duration.ofDays(2));
        assertRefused(Why.NOT_VALID_NOW, chain);
        clock.advance(Duration.ofDays(-3));
        assertRefused(Why.NOT_VALID_NOW, chain);
        clock.set(TestCa.EPOCH);
        assertDoesNotThrow(() -> checkClient(chain));
    }

    @Test
    void remembersAChainForItsPurposeOnly() throws CertificateException {
        List<X509Certificate> chain = CA.sign(TestCa.leaf(PEER).purposes(KeyPurposeId.id_kp_serverAuth));
        checkServer(chain, PEER);
        rejection(() -> checkClient(chain));
        assertDoesNotThrow(() -> checkServer(chain, PEER));
    }

    @Test
    void followsKeyUsage_whereItIsSaid() {
        assertDoesNotThrow(() -> checkClient(
                CA.sign(TestCa.leaf(PEER).usage(KeyUsage.digitalSignature).purposes(KeyPurposeId.id_kp_clientAuth))));
        assertDoesNotThrow(() -> checkClient(CA.sign(TestCa.leaf(PEER).purposes(KeyPurposeId.anyExtendedKeyUsage))));
        assertRefused(Why.UNTRUSTED, CA.sign(TestCa.leaf(PEER).usage(KeyUsage.keyEncipherment)));
        assertRefused(Why.UNTRUSTED, CA.sign(TestCa.leaf(PEER).purposes(KeyPurposeId.id_kp_codeSigning)));
    }

    /** Each side needs a purpose of its own, if the certificate names any. */
    @Test
    void takesACertificateForTheSideItIsMadeFor() {
        List<X509Certificate> client = CA.sign(TestCa.leaf(PEER).purposes(KeyPurposeId.id_kp_clientAuth));
        assertDoesNotThrow(() -> checkClient(client));
        assertEquals(Why.UNTRUSTED, rejection(() -> checkServer(client, PEER)).why());
        List<X509Certificate> server = CA.sign(TestCa.leaf(PEER).purposes(KeyPurposeId.id_kp_serverAuth));
        assertDoesNotThrow(() -> checkServer(server, PEER));
        assertEquals(Why.UNTRUSTED, rejection(() -> checkClient(server)).why());
        List<X509Certificate> both =
                CA.sign(TestCa.leaf(PEER).purposes(KeyPurposeId.id_kp_clientAuth, KeyPurposeId.id_kp_serverAuth));
        assertDoesNotThrow(() -> checkClient(both));
        assertDoesNotThrow(() -> checkServer(both, PEER));
    }

    @ParameterizedTest
    @ValueSource(strings = {"secp256r1", "secp384r1", "secp521r1", "Ed25519", "2048", "4096"})
    void followsChains_whateverTheAuthoritySignsWith(String keys) {
        TestCa authority = TestCa.root("root", keys);
        SpiffeVerifier trusting = new SpiffeVerifier(SELF, List.of(authority.root()), clock, CrlStore.none());
        X509Certificate[] chain =
                authority.intermediate("between").sign(TestCa.leaf(PEER)).toArray(X509Certificate[]::new);
        assertDoesNotThrow(() -> trusting.checkClientTrusted(chain, "UNKNOWN", engine()));
    }

    @Test
    void refusesAnotherTrustDomain_ofAClient() {
        SpiffeId foreign = SpiffeId.parse("spiffe://elsewhere/ns/shop/sa/peer");
        List<X509Certificate> chain = CA.sign(TestCa.leaf(foreign));
        assertEquals(Why.OTHER_TRUST_DOMAIN, rejection(() -> checkClient(chain)).why());
    }

    @Test
    void refusesAServer_thatIsNobodyExpected() {
        List<X509Certificate> chain = CA.sign(TestCa.leaf(PEER));
        assertEquals(
                Why.WRONG_IDENTITY, rejection(() -> checkServer(chain, OTHER)).why());
        assertEquals(Why.WRONG_IDENTITY, rejection(() -> checkServer(chain)).why());
    }

    @Test
    void trustsNobody_onAnEngineWithoutExpectation() throws CertificateException {
        SSLEngine engine = engine();
        X509Certificate[] chain = CA.sign(TestCa.leaf(PEER)).toArray(X509Certificate[]::new);
        rejection(() -> verifier.checkServerTrusted(chain, "UNKNOWN", engine));
        verifier.expect(engine, List.of(PEER));
        verifier.checkServerTrusted(chain, "UNKNOWN", engine);
        verifier.forget(engine);
        rejection(() -> verifier.checkServerTrusted(chain, "UNKNOWN", engine));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "spiffe://cluster.local/ns/shop",
                "spiffe://cluster.local/ns/shop/sa/peer/x",
                "spiffe://cluster.local/sa/peer/ns/shop",
                "spiffe:///ns/shop/sa/peer",
                "SPIFFE://cluster.local/ns/shop/sa/peer",
                "https://cluster.local/ns/shop/sa/peer"
            })
    void refusesWhatIsNoSpiffeId(String uri) {
        assertRefused(Why.BAD_SPIFFE_ID, CA.sign(new Leaf().uri(uri)));
    }

    @Test
    void refusesNoName_andTwoSpiffeIds() {
        assertRefused(Why.BAD_SPIFFE_ID, CA.sign(new Leaf()));
        assertRefused(Why.BAD_SPIFFE_ID, CA.sign(new Leaf().dns("peer.shop.svc")));
        assertRefused(Why.BAD_SPIFFE_ID, CA.sign(TestCa.leaf(PEER).uri(OTHER.uri())));
        assertRefused(Why.BAD_SPIFFE_ID, CA.sign(TestCa.leaf(PEER).uri(PEER.uri())));
        assertRefused(Why.BAD_SPIFFE_ID, CA.sign(TestCa.leaf(PEER).uri("spiffe://x")));
    }

    @Test
    void passesOverNamesOfOtherKinds() {
        assertDoesNotThrow(
                () -> checkClient(CA.sign(TestCa.leaf(PEER).dns("peer.shop.svc").uri("https://example.com"))));
    }

    @Test
    void keepsABoundedMemory() throws CertificateException {
        SpiffeVerifier small = new SpiffeVerifier(SELF, List.of(CA.root()), clock, CrlStore.none(), 5);
        for (int i = 0; i < 12; i++) {
            X509Certificate[] chain = CA.sign(TestCa.leaf(PEER)).toArray(X509Certificate[]::new);
            small.checkClientTrusted(chain, "UNKNOWN", engine());
            small.checkClientTrusted(chain, "UNKNOWN", engine());
            assertEquals(1 + i % 5, small.remembered());
        }
    }

    @Test
    void refusesToJudgeWithoutAnEngine() {
        X509Certificate[] chain = CA.sign(TestCa.leaf(PEER)).toArray(X509Certificate[]::new);
        assertThrows(CertificateException.class, () -> verifier.checkClientTrusted(chain, "UNKNOWN"));
        assertThrows(CertificateException.class, () -> verifier.checkServerTrusted(chain, "UNKNOWN"));
        Socket none = new Socket();
        assertThrows(CertificateException.class, () -> verifier.checkClientTrusted(chain, "UNKNOWN", none));
        assertThrows(CertificateException.class, () -> verifier.checkServerTrusted(chain, "UNKNOWN", none));
    }

    /** TLS gets the code for its alert, and with it why. */
    private static PeerRejectedException rejection(Executable check) {
        OpenSslCertificateException told = assertThrows(OpenSslCertificateException.class, check);
        return assertInstanceOf(PeerRejectedException.class, told.getCause());
    }
}
