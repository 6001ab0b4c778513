package io.culvert.systemtests.badinput;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.culvert.agent.telemetry.BadPeer;
import io.culvert.systemtests.lab.MeshYaml;
import java.io.IOException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Who may not come in: each is told why by a TLS alert and counted, and sees nothing of HTTP. */
class PeerCertificateNetnsIT {
    private static final String CLIENT = MeshYaml.idOf("client");

    @RegisterExtension
    static final BadInputLab LAB = new BadInputLab();

    /** A workload certificate of the mesh's own authority that something is wrong with. */
    enum Spoilt {
        EXPIRED(BadPeer.EXPIRED_CERTIFICATE, "certificate_expired", l -> uri(l).valid(ago(3), ago(1))),
        NOT_YET_VALID(BadPeer.EXPIRED_CERTIFICATE, "certificate_expired", l -> uri(l).valid(ago(-1), ago(-3))),
        OTHER_TRUST_DOMAIN(
                BadPeer.OTHER_TRUST_DOMAIN, "certificate_unknown", l -> uri(l, "spiffe://other/ns/demo/sa/client")),
        UPPER_CASE_TRUST_DOMAIN(
                BadPeer.OTHER_TRUST_DOMAIN,
                "certificate_unknown",
                l -> uri(l, "spiffe://CLUSTER.local/ns/demo/sa/client")),
        UPPER_CASE_SCHEME(l -> uri(l, "SPIFFE://cluster.local/ns/demo/sa/client")),
        OTHER_SCHEME(l -> uri(l, "https://cluster.local/ns/demo/sa/client")),
        PERCENT_ENCODING(l -> uri(l, "spiffe://cluster.local/ns/demo/sa/cl%69ent")),
        ENCODED_SLASH(l -> uri(l, "spiffe://cluster.local/ns/demo%2Fsa/client")),
        PORT(l -> uri(l, "spiffe://cluster.local:443/ns/demo/sa/client")),
        USER(l -> uri(l, "spiffe://root@cluster.local/ns/demo/sa/client")),
        QUERY(l -> uri(l, "spiffe://cluster.local/ns/demo/sa/client?admin")),
        FRAGMENT(l -> uri(l, "spiffe://cluster.local/ns/demo/sa/client#x")),
        WRONG_PATH(l -> uri(l, "spiffe://cluster.local/sa/demo/ns/client")),
        SHORT_PATH(l -> uri(l, "spiffe://cluster.local/ns/demo")),
        LONG_PATH(l -> uri(l, CLIENT + "/more")),
        TRAILING_SLASH(l -> uri(l, CLIENT + "/")),
        DOTS(l -> uri(l, "spiffe://cluster.local/ns/demo/../demo/sa/client")),
        EMPTY_ACCOUNT(l -> uri(l, "spiffe://cluster.local/ns/demo/sa/")),
        EMPTY(BadPeer.UNTRUSTED_CERTIFICATE, "bad_certificate", l -> uri(l, "")),
        NUL(BadPeer.UNTRUSTED_CERTIFICATE, "bad_certificate", l -> uri(l, CLIENT + "\0.evil")),
        LINE_BREAK(BadPeer.UNTRUSTED_CERTIFICATE, "bad_certificate", l -> uri(l, CLIENT + "\n")),
        LEADING_BLANK(BadPeer.UNTRUSTED_CERTIFICATE, "bad_certificate", l -> uri(l, " " + CLIENT)),
        IDNA(l -> uri(l, "spiffe://cl\u00fcster.local/ns/demo/sa/client")),
        OVERLONG(l -> uri(l, "spiffe://cluster.local/ns/demo/sa/" + "a".repeat(2_048))),
        HUGE(l -> uri(l, "spiffe://cluster.local/ns/demo/sa/" + "a".repeat(12_000))),
        TWICE_THE_SAME(l -> uri(uri(l))),
        TWO_IDS(l -> uri(uri(l), "spiffe://cluster.local/ns/demo/sa/server")),
        MANY(l -> {
            for (int i = 0; i < 200; i++) {
                uri(l, "spiffe://cluster.local/ns/demo/sa/c" + i);
            }
            return l;
        }),
        DNS_ONLY(l -> l.san(TestCa.DNS, "client.demo.svc")),
        DNS_THAT_LOOKS_LIKE_ONE(l -> l.san(TestCa.DNS, CLIENT)),
        EMAIL_ONLY(l -> l.san(TestCa.EMAIL, "client@cluster.local")),
        NO_NAME_AT_ALL(BadPeer.UNTRUSTED_CERTIFICATE, "bad_certificate", l -> l),
        ONLY_IN_SUBJECT(l -> l.subject(new X500Name("CN=spiffe\\://cluster.local/ns/demo/sa/client"))),
        AUTHORITY_AS_LEAF(BadPeer.UNTRUSTED_CERTIFICATE, "unknown_ca", l -> uri(l).ca(true)),
        SERVER_ONLY(BadPeer.UNTRUSTED_CERTIFICATE, "unknown_ca", l -> uri(l).purposes(KeyPurposeId.id_kp_serverAuth)),
        OTHER_PURPOSE(
                BadPeer.UNTRUSTED_CERTIFICATE, "unknown_ca", l -> uri(l).purposes(KeyPurposeId.id_kp_codeSigning)),
        NO_SIGNING(BadPeer.TLS_HANDSHAKE, "illegal_parameter", l -> uri(l).usage(KeyUsage.keyEncipherment));

        private final BadPeer kind;
        private final String alert;

        // Error Prone cannot see that the functions hold no state.
        @SuppressWarnings("ImmutableEnumChecker")
        private final UnaryOperator<TestCa.Leaf> spoil;

        Spoilt(UnaryOperator<TestCa.Leaf> spoil) {
            this(BadPeer.BAD_SPIFFE_ID, "certificate_unknown", spoil);
        }

        Spoilt(BadPeer kind, String alert, UnaryOperator<TestCa.Leaf> spoil) {
            this.kind = kind;
            this.alert = alert;
            this.spoil = spoil;
        }

        private static TestCa.Leaf uri(TestCa.Leaf leaf) {
            return uri(leaf, CLIENT);
        }

        private static TestCa.Leaf uri(TestCa.Leaf leaf, String text) {
            return leaf.san(TestCa.URI, text);
        }

        private static Instant ago(int hours) {
            return Instant.now().minus(Duration.ofHours(hours));
        }
    }

    /** All in one test: what it costs to look at the bystanders after each would take longer than the refusals. */
    @Test
    void refusesSpoiltCertificates() {
        assertAll(Arrays.stream(Spoilt.values()).map(spoilt -> () -> {
            TestCa.Identity identity = spoilt.spoil.apply(LAB.ca().leaf()).identity();
            refuses(spoilt.name(), TlsSession.Look.of(identity), spoilt.alert, spoilt.kind);
        }));
    }

    private static void refuses(TlsSession.Look look, String alert, BadPeer kind) throws IOException {
        refuses("", look, alert, kind);
    }

    private static void refuses(String what, TlsSession.Look look, String alert, BadPeer kind) throws IOException {
        Tally tally = LAB.tally();
        PeerGoneException gone = refusal(look);
        assertEquals("ALERT " + alert, gone.getMessage(), what);
        tally.expectOne(kind);
    }

    /** In TLS 1.3 a client has done its part before the server has looked at its certificate, so the alert may come later. */
    private static PeerGoneException refusal(TlsSession.Look look) throws IOException {
        try (HostilePeer peer = LAB.peer(look)) {
            return peer.awaitGone();
        } catch (PeerGoneException atOnce) {
            return atOnce;
        }
    }

    @Test
    void refusesAnotherAuthority() throws IOException {
        refuses(TlsSession.Look.of(TestCa.fresh(null).identity(CLIENT)), "unknown_ca", BadPeer.UNTRUSTED_CERTIFICATE);
    }

    @Test
    void refusesAnotherAuthorityOfTheSameName() throws IOException {
        refuses(
                TlsSession.Look.of(TestCa.fresh(LAB.ca()).identity(CLIENT)),
                "unknown_ca",
                BadPeer.UNTRUSTED_CERTIFICATE);
    }

    @Test
    void refusesAForeignChainThatBringsItsRootAlong() throws IOException {
        TestCa other = TestCa.fresh(null);
        TestCa.Identity identity = other.leaf()
                .san(TestCa.URI, CLIENT)
                .above(List.of(other.root()))
                .identity();
        refuses(TlsSession.Look.of(identity), "unknown_ca", BadPeer.UNTRUSTED_CERTIFICATE);
    }

    @Test
    void refusesALeafSignedByAWorkload() throws IOException {
        TestCa workload = LAB.ca().leaf().san(TestCa.URI, CLIENT).asAuthority();
        TestCa.Identity identity = workload.leaf()
                .san(TestCa.URI, MeshYaml.idOf("server"))
                .above(List.of(workload.root()))
                .identity();
        refuses(TlsSession.Look.of(identity), "unknown_ca", BadPeer.UNTRUSTED_CERTIFICATE);
    }

    @Test
    void refusesTheRootItself() throws IOException {
        // The TLS library is faster than we are: the root may not be used for signatures of handshakes.
        refuses(TlsSession.Look.of(LAB.ca().itself()), "illegal_parameter", BadPeer.TLS_HANDSHAKE);
    }

    @Test
    void refusesAChainWithoutEnd_thatLeadsNowhere() throws IOException {
        List<X509Certificate> above = Collections.nCopies(20, LAB.ca().root());
        refuses(
                TlsSession.Look.of(TestCa.fresh(null)
                        .leaf()
                        .san(TestCa.URI, CLIENT)
                        .above(above)
                        .identity()),
                "unknown_ca",
                BadPeer.UNTRUSTED_CERTIFICATE);
    }

    @Test
    void ignoresWhatIsSentBesideTheChain() throws IOException {
        Tally tally = LAB.tally();
        List<X509Certificate> above = Collections.nCopies(20, TestCa.fresh(null).root());
        TestCa.Identity identity =
                LAB.ca().leaf().san(TestCa.URI, CLIENT).above(above).identity();
        try (HostilePeer peer = LAB.peer(TlsSession.Look.of(identity)).greet()) {
            LAB.assertServes(peer);
        }
        tally.expect(Map.of());
    }

    @Test
    void refusesNoCertificate() throws IOException {
        refuses(TlsSession.Look.of(null), "certificate_required", BadPeer.NO_CERTIFICATE);
    }

    @Test
    void refusesTls12() throws IOException {
        refuses(new TlsSession.Look(LAB.good(), "TLSv1.2", List.of("h2")), "protocol_version", BadPeer.TLS_HANDSHAKE);
    }

    /** Keys that other authorities give to workloads. */
    @Test
    void admitsOtherKeys() throws IOException {
        for (String kind : List.of("EC:secp384r1", "RSA:2048", "RSA:4096")) {
            TestCa.Identity identity = LAB.ca()
                    .leaf()
                    .san(TestCa.URI, CLIENT)
                    .key(TestCa.keys(kind))
                    .identity();
            admits(TlsSession.Look.of(identity));
        }
    }

    @Test
    void refusesAKeyThatIsTooShort() throws IOException {
        TestCa.Identity identity = LAB.ca()
                .leaf()
                .san(TestCa.URI, CLIENT)
                .key(TestCa.keys("RSA:1024"))
                .identity();
        refuses(TlsSession.Look.of(identity), "unknown_ca", BadPeer.UNTRUSTED_CERTIFICATE);
    }

    @Test
    void admitsAGoodPeer() throws IOException {
        admits(TlsSession.Look.of(LAB.good()));
    }

    private static void admits(TlsSession.Look look) throws IOException {
        Tally tally = LAB.tally();
        try (HostilePeer peer = LAB.peer(look).greet()) {
            LAB.assertServes(peer);
        }
        tally.expect(Map.of());
    }

    /** TLS itself goes well: the agent finds out what was agreed on when it is done. */
    @Test
    void refusesPeersThatDoNotAgreeOnHttp2() throws IOException {
        for (List<String> alpn : List.of(List.<String>of(), List.of("http/1.1"))) {
            Tally tally = LAB.tally();
            try (HostilePeer peer = LAB.peer(new TlsSession.Look(LAB.good(), "TLSv1.3", alpn))) {
                assertEquals("", peer.tls().alpn());
                assertThrows(PeerGoneException.class, () -> peer.await("anything", _ -> true));
            }
            tally.expectOne(BadPeer.TLS_HANDSHAKE);
        }
    }
}
