package io.culvert.agent.certs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.tls.Hello;
import io.culvert.agent.tls.TestProfiles;
import io.culvert.agent.tls.TlsProfile;
import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.identity.SpiffeId;
import io.netty.handler.ssl.OpenSslSession;
import java.security.KeyPair;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Real handshakes, in memory: of the agent with itself in every combination of settings, and with the JDK's TLS. */
class TlsHandshakeTest {
    private static final SpiffeId NEAR = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/near");
    private static final SpiffeId FAR = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/far");
    private static final TestCa CA = TestCa.root("root");
    private static final String TLS12 = "TLSv1.2";
    private static final String TLS13 = "TLSv1.3";

    private static final Map<String, TlsProfile> PROFILES = Map.of(
            "standard",
            TlsProfile.STANDARD,
            "tls12",
            TestProfiles.TLS12_TOO,
            "tls12-only",
            TestProfiles.TLS12_ONLY,
            "pqc",
            TestProfiles.PQC,
            "classic-only",
            TestProfiles.CLASSIC_ONLY,
            "sends-none",
            TestProfiles.WITHOUT_A_KEY_OF_THE_HYBRID);

    private final List<Runnable> releases = new ArrayList<>();

    @AfterEach
    void release() {
        releases.forEach(Runnable::run);
    }

    private static TlsProfile profile(String name) {
        TlsProfile found = PROFILES.get(name);
        if (found == null) {
            throw new IllegalArgumentException(name);
        }
        return found;
    }

    private SSLEngine client(TlsMaterial material, SpiffeId... expected) {
        SSLEngine engine = material.clientEngine(List.of(expected));
        releases.add(() -> material.release(engine));
        return engine;
    }

    private SSLEngine client(TlsProfile profile) {
        return client(CA.material(NEAR, profile), FAR);
    }

    private SSLEngine server(TlsMaterial material) {
        SSLEngine engine = material.serverEngine();
        releases.add(() -> material.release(engine));
        return engine;
    }

    private SSLEngine server(TlsProfile profile) {
        return server(CA.material(FAR, profile));
    }

    private static SSLContext jdk(SpiffeId id) {
        return JdkTls.context(CA, TestCa.newKeys(), TestCa.leaf(id));
    }

    private static Hello hello(EnginePair.End end) {
        return end.hellos().getLast();
    }

    private static void assertShaken(EnginePair pair) {
        assertEquals("", pair.client.fault(), "the client's complaint");
        assertEquals("", pair.server.fault(), "the server's complaint");
        assertTrue(pair.client.isReady() && pair.server.isReady());
    }

    private static void assertCarries(EnginePair pair) throws SSLException {
        byte[] much = new byte[100_000];
        Arrays.fill(much, (byte) 7);
        pair.carry(pair.client, much);
        pair.carry(pair.server, much);
        assertArrayEquals(much, pair.server.received());
        assertArrayEquals(much, pair.client.received());
    }

    // ---- what is offered ------------------------------------------------------------------------------------------

    private Hello offer(TlsProfile profile) {
        return hello(new EnginePair(client(profile), server(profile)).shakeHands().client);
    }

    @Test
    void offersTls13Alone_andTheHybridGroupLast() {
        Hello offer = offer(TlsProfile.STANDARD);
        assertEquals(List.of(Hello.TLS13), offer.versions());
        assertEquals(List.of(Hello.X25519, Hello.P256, Hello.P384, Hello.X25519MLKEM768), offer.groups());
        assertEquals(List.of(Hello.X25519, Hello.X25519MLKEM768), offer.shares());
        // AES-GCM, and what the library does not leave out.
        assertEquals(Set.of(0x1301, 0x1302, 0x1303), new TreeSet<>(offer.suites()));
        assertFalse(offer.has(Hello.EXTENDED_MASTER_SECRET));
    }

    @Test
    void offersFourSuitesOfTls12_behindThoseOf13_whereItIsPermitted() {
        Hello offer = offer(TestProfiles.TLS12_TOO);
        assertEquals(List.of(Hello.TLS13, Hello.TLS12), offer.versions());
        assertEquals(
                Set.of(0x1301, 0x1302, 0x1303), new TreeSet<>(offer.suites().subList(0, 3)));
        assertEquals(
                List.of(0xc02c, 0xc02b, 0xc030, 0xc02f),
                offer.suites().subList(3, offer.suites().size()));
        assertEquals(List.of(Hello.X25519, Hello.P256, Hello.P384, Hello.X25519MLKEM768), offer.groups());
        assertTrue(offer.has(Hello.EXTENDED_MASTER_SECRET) && offer.has(Hello.RENEGOTIATION_INFO));
    }

    @Test
    void offersTheHybridGroupAlone_whereNothingElseWillDo() {
        Hello offer = offer(TestProfiles.PQC);
        assertEquals(List.of(Hello.TLS13), offer.versions());
        assertEquals(List.of(Hello.X25519MLKEM768), offer.groups());
        assertEquals(List.of(Hello.X25519MLKEM768), offer.shares());
    }

    @ParameterizedTest
    @ValueSource(strings = {"standard", "tls12", "pqc"})
    void offersHttp2_noName_andNothingToResume(String profile) {
        Hello offer = offer(profile(profile));
        assertArrayEquals(new byte[] {0, 3, 2, 'h', '2'}, offer.extensions().get(Hello.ALPN));
        for (int extension :
                new int[] {Hello.SERVER_NAME, Hello.SESSION_TICKET, Hello.PRE_SHARED_KEY, Hello.EARLY_DATA}) {
            assertFalse(offer.has(extension), "extension " + extension);
        }
    }

    /**
     * By their numbers in RFC 8446, section 4.2.3: ECDSA on P-256 and P-384, RSA with either padding. The library does not leave
     * out the last, RSA with SHA-1, which 1.3 forbids in handshakes all the same.
     */
    @ParameterizedTest
    @ValueSource(strings = {"standard", "tls12", "pqc"})
    void acceptsSignatures(String profile) {
        assertEquals(
                Set.of(0x0403, 0x0503, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0201),
                new TreeSet<>(offer(profile(profile)).signatures()));
    }

    // ---- who gets on with whom ------------------------------------------------------------------------------------

    @ParameterizedTest
    @CsvSource({
        "standard, standard, 0x0304, 29, false",
        "standard, tls12, 0x0304, 29, false",
        "tls12, standard, 0x0304, 29, false",
        "tls12, tls12, 0x0304, 29, false",
        "tls12, tls12-only, 0x0303, 0, false",
        "tls12-only, tls12, 0x0303, 0, false",
        "standard, classic-only, 0x0304, 29, false",
        "classic-only, standard, 0x0304, 29, false",
        "pqc, pqc, 0x0304, 0x11ec, false",
        "pqc, standard, 0x0304, 0x11ec, false",
        "pqc, tls12, 0x0304, 0x11ec, false",
        // The library sends a key of the hybrid along with that of the first group.
        "standard, pqc, 0x0304, 0x11ec, false",
        "tls12, pqc, 0x0304, 0x11ec, false",
        // As of other makes, whose first keys are of other groups: the server asks for one of this.
        "sends-none, pqc, 0x0304, 0x11ec, true"
    })
    void agrees(String client, String server, String version, String group, boolean retry) throws SSLException {
        EnginePair pair = new EnginePair(client(profile(client)), server(profile(server))).shakeHands();
        assertShaken(pair);
        Hello answer = hello(pair.server);
        assertEquals(List.of(Integer.decode(version)), answer.versions());
        assertEquals(group.equals("0") ? List.of() : List.of(Integer.decode(group)), answer.shares());
        assertEquals(retry, pair.server.hellos().getFirst().isRetry());
        assertEquals(retry ? 2 : 1, pair.client.hellos().size());
        assertEquals(new PeerIdentity.Verified(NEAR), TlsMaterial.peerOf(pair.server.engine()));
        assertEquals(new PeerIdentity.Verified(FAR), TlsMaterial.peerOf(pair.client.engine()));
        TlsMaterial.requireHttp2(pair.client.engine());
        TlsMaterial.requireHttp2(pair.server.engine());
        assertCarries(pair);
        pair.close(pair.client);
        assertTrue(pair.server.engine().isInboundDone(), "the good-bye came");
    }

    @Test
    void agreesOnTheStrongestSuiteOfTls12_andOnX25519() {
        EnginePair pair = new EnginePair(client(TestProfiles.TLS12_ONLY), server(TestProfiles.TLS12_TOO)).shakeHands();
        assertShaken(pair);
        assertEquals(List.of(0xc02c), hello(pair.server).suites());
        assertEquals("X25519", ((OpenSslSession) pair.client.engine().getSession()).getNamedGroup());
    }

    @ParameterizedTest
    @CsvSource({
        "tls12-only, standard, UNSUPPORTED_PROTOCOL, TLSV1_ALERT_PROTOCOL_VERSION",
        "standard, tls12-only, UNSUPPORTED_PROTOCOL, TLSV1_ALERT_PROTOCOL_VERSION",
        "tls12-only, pqc, UNSUPPORTED_PROTOCOL, TLSV1_ALERT_PROTOCOL_VERSION",
        "pqc, tls12-only, UNSUPPORTED_PROTOCOL, TLSV1_ALERT_PROTOCOL_VERSION",
        "pqc, classic-only, NO_SHARED_GROUP, HANDSHAKE_FAILURE",
        "classic-only, pqc, NO_SHARED_GROUP, HANDSHAKE_FAILURE"
    })
    void refuses(String client, String server, String why, String alert) {
        EnginePair pair = new EnginePair(client(profile(client)), server(profile(server))).shakeHands();
        assertTrue(pair.server.fault().contains(why), pair.server.fault());
        assertTrue(pair.client.fault().contains(alert), pair.client.fault());
    }

    // ---- another make ---------------------------------------------------------------------------------------------

    @ParameterizedTest
    @CsvSource({"standard, TLSv1.3", "tls12, TLSv1.3", "tls12, TLSv1.2"})
    void getsOnWithAnotherMake_inBothRoles(String profile, String protocol) throws SSLException {
        EnginePair serving = new EnginePair(JdkTls.client(jdk(NEAR), protocol), server(profile(profile))).shakeHands();
        assertShaken(serving);
        assertEquals(protocol, serving.client.engine().getSession().getProtocol());
        assertEquals(new PeerIdentity.Verified(NEAR), TlsMaterial.peerOf(serving.server.engine()));
        assertCarries(serving);
        EnginePair asking = new EnginePair(client(profile(profile)), JdkTls.server(jdk(FAR), protocol)).shakeHands();
        assertShaken(asking);
        assertEquals(protocol, asking.server.engine().getSession().getProtocol());
        assertEquals(new PeerIdentity.Verified(FAR), TlsMaterial.peerOf(asking.client.engine()));
        assertCarries(asking);
        asking.close(asking.server);
        assertTrue(asking.client.engine().isInboundDone());
    }

    @ParameterizedTest
    @CsvSource({"standard, TLSv1.2", "pqc, TLSv1.2", "pqc, TLSv1.3"})
    void refusesAnotherMakeThatLacksWhatIsDemanded_inBothRoles(String profile, String protocol) {
        EnginePair serving = new EnginePair(JdkTls.client(jdk(NEAR), protocol), server(profile(profile))).shakeHands();
        assertFalse(serving.server.fault().isEmpty());
        String told = protocol.equals(TLS12) ? "protocol_version" : "handshake_failure";
        assertTrue(serving.client.fault().contains(told), serving.client.fault());
        EnginePair asking = new EnginePair(client(profile(profile)), JdkTls.server(jdk(FAR), protocol)).shakeHands();
        assertFalse(asking.client.isReady());
        assertFalse(asking.server.isReady());
        assertFalse(asking.server.fault().isEmpty());
    }

    @Test
    void takesNoOtherSuiteOfTls12() {
        SSLContext context = jdk(NEAR);
        for (String suite : List.of(
                "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
                "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
                "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384")) {
            SSLEngine peer = JdkTls.client(context, TLS12);
            peer.setEnabledCipherSuites(new String[] {suite});
            EnginePair pair = new EnginePair(peer, server(TestProfiles.TLS12_TOO)).shakeHands();
            assertTrue(pair.server.fault().contains("NO_SHARED_CIPHER"), suite + pair.server.fault());
            assertTrue(pair.client.fault().contains("handshake_failure"), suite + pair.client.fault());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {TLS12, TLS13})
    void getsOnWithPeersOfOtherKeys(String protocol) {
        for (String kind : List.of("secp384r1", "2048", "4096")) {
            SSLContext other = JdkTls.context(CA, TestCa.newKeys(kind), TestCa.leaf(NEAR));
            assertShaken(new EnginePair(JdkTls.client(other, protocol), server(TestProfiles.TLS12_TOO)).shakeHands());
            SSLContext serving = JdkTls.context(CA, TestCa.newKeys(kind), TestCa.leaf(FAR));
            assertShaken(new EnginePair(client(TestProfiles.TLS12_TOO), JdkTls.server(serving, protocol)).shakeHands());
        }
    }

    /** The library verifies no handshake that is signed with these; authorities that sign with them are taken all the same. */
    @ParameterizedTest
    @ValueSource(strings = {"secp521r1", "Ed25519"})
    void refusesPeersOfKeysThatItHasNoWordFor(String kind) {
        SSLContext other = JdkTls.context(CA, TestCa.newKeys(kind), TestCa.leaf(NEAR));
        EnginePair pair = new EnginePair(JdkTls.client(other, TLS13), server(TlsProfile.STANDARD)).shakeHands();
        assertFalse(pair.server.isReady());
        assertFalse(pair.server.fault().isEmpty());
    }

    @Test
    void presentsARsaKey_inTls12_inBothRoles() {
        KeyPair keys = TestCa.newKeys("2048");
        EnginePair serving = new EnginePair(
                        JdkTls.client(jdk(NEAR), TLS12), server(CA.material(FAR, keys, TestProfiles.TLS12_TOO)))
                .shakeHands();
        assertShaken(serving);
        assertEquals(List.of(0xc030), hello(serving.server).suites());
        assertShaken(new EnginePair(
                        client(CA.material(NEAR, keys, TestProfiles.TLS12_TOO), FAR), JdkTls.server(jdk(FAR), TLS12))
                .shakeHands());
    }

    // ---- who may come in ------------------------------------------------------------------------------------------

    @ParameterizedTest
    @ValueSource(strings = {TLS12, TLS13})
    void demandsACertificate(String protocol) {
        EnginePair pair = new EnginePair(JdkTls.client(JdkTls.anonymous(), protocol), server(TestProfiles.TLS12_TOO))
                .shakeHands();
        assertTrue(pair.server.fault().contains("PEER_DID_NOT_RETURN_A_CERTIFICATE"), pair.server.fault());
        assertFalse(pair.server.isReady());
    }

    @ParameterizedTest
    @ValueSource(strings = {TLS12, TLS13})
    void looksAtNames_whateverTheVersion(String protocol) {
        SpiffeId foreign = SpiffeId.parse("spiffe://elsewhere/ns/shop/sa/near");
        EnginePair abroad =
                new EnginePair(JdkTls.client(jdk(foreign), protocol), server(TestProfiles.TLS12_TOO)).shakeHands();
        assertTrue(abroad.server.fault().contains("trust domain"), abroad.server.fault());
        assertTrue(abroad.client.fault().contains("certificate_unknown"), abroad.client.fault());
        EnginePair another =
                new EnginePair(client(TestProfiles.TLS12_TOO), JdkTls.server(jdk(NEAR), protocol)).shakeHands();
        assertTrue(another.client.fault().contains("expected was"), another.client.fault());
        assertTrue(another.server.fault().contains("certificate_unknown"), another.server.fault());
        SSLContext strange = JdkTls.context(TestCa.root("root"), TestCa.newKeys(), TestCa.leaf(NEAR));
        EnginePair untrusted =
                new EnginePair(JdkTls.client(strange, protocol), server(TestProfiles.TLS12_TOO)).shakeHands();
        assertTrue(untrusted.client.fault().contains("unknown_ca"), untrusted.client.fault());
    }

    // ---- only once ------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @ValueSource(strings = {TLS12, TLS13})
    void resumesNoSession(String protocol) throws SSLException {
        SSLContext client = jdk(NEAR);
        TlsMaterial serving = CA.material(FAR, TestProfiles.TLS12_TOO);
        for (int i = 0; i < 3; i++) {
            EnginePair pair = new EnginePair(JdkTls.client(client, protocol), server(serving)).shakeHands();
            assertShaken(pair);
            assertCarries(pair);
            pair.close(pair.client);
            assertFalse(hello(pair.client).has(Hello.PRE_SHARED_KEY), "it was given a ticket");
            assertFalse(hello(pair.server).has(Hello.SESSION_TICKET));
            if (protocol.equals(TLS12)) {
                assertEquals("", hello(pair.server).sessionId(), "by which the session could be resumed");
            }
        }
        SSLContext server = jdk(FAR);
        TlsMaterial asking = CA.material(NEAR, TestProfiles.TLS12_TOO);
        for (int i = 0; i < 3; i++) {
            EnginePair pair = new EnginePair(client(asking, FAR), JdkTls.server(server, protocol)).shakeHands();
            assertShaken(pair);
            assertCarries(pair);
            pair.close(pair.client);
            assertFalse(hello(pair.client).has(Hello.PRE_SHARED_KEY));
            assertFalse(hello(pair.server).has(Hello.PRE_SHARED_KEY));
        }
    }

    @Test
    void refusesASecondHandshake_inBothRoles() throws SSLException {
        EnginePair serving =
                new EnginePair(JdkTls.client(jdk(NEAR), TLS12), server(TestProfiles.TLS12_TOO)).shakeHands();
        assertShaken(serving);
        serving.client.engine().beginHandshake();
        serving.settle();
        assertTrue(serving.client.fault().contains("no_renegotiation"), serving.client.fault());
        EnginePair asking = new EnginePair(client(TestProfiles.TLS12_TOO), JdkTls.server(jdk(FAR), TLS12)).shakeHands();
        assertShaken(asking);
        asking.server.engine().beginHandshake();
        asking.settle();
        assertTrue(asking.server.fault().contains("no_renegotiation"), asking.server.fault());
    }

    @Test
    void bindsTheKeysToTheWholeHandshake_inTls12() {
        EnginePair pair = new EnginePair(JdkTls.client(jdk(NEAR), TLS12), server(TestProfiles.TLS12_TOO)).shakeHands();
        assertTrue(hello(pair.server).has(Hello.EXTENDED_MASTER_SECRET));
        assertTrue(hello(pair.server).has(Hello.RENEGOTIATION_INFO));
    }

    /** RFC 8446, section 4.1.3: the last bytes of the random betray whoever took 1.3 out of the client's hello. */
    @Test
    void tellsInTls12_thatItKnowsBetter() {
        EnginePair pair = new EnginePair(client(TestProfiles.TLS12_ONLY), server(TestProfiles.TLS12_TOO)).shakeHands();
        assertTrue(
                hello(pair.server).random().endsWith("444f574e47524401"),
                hello(pair.server).random());
    }

    private static SSLParameters ofOneGroup(SSLEngine engine, String group) {
        SSLParameters parameters = engine.getSSLParameters();
        parameters.setNamedGroups(new String[] {group});
        return parameters;
    }

    @ParameterizedTest
    @CsvSource({"secp256r1, 23", "secp384r1, 24", "x25519, 29"})
    void takesEachClassicGroup_ofAPeerThatHasNoOther(String group, int number) {
        SSLEngine peer = JdkTls.client(jdk(NEAR), TLS13);
        peer.setSSLParameters(ofOneGroup(peer, group));
        EnginePair pair = new EnginePair(peer, server(TlsProfile.STANDARD)).shakeHands();
        assertShaken(pair);
        assertEquals(List.of(number), hello(pair.server).shares());
    }

    @Test
    void takesNoGroupThatIsNotOffered() {
        SSLEngine peer = JdkTls.client(jdk(NEAR), TLS13);
        peer.setSSLParameters(ofOneGroup(peer, "secp521r1"));
        EnginePair pair = new EnginePair(peer, server(TlsProfile.STANDARD)).shakeHands();
        assertTrue(pair.server.fault().contains("NO_SHARED_GROUP"), pair.server.fault());
    }
}
