package io.culvert.agent.ca;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.base.Ticker;
import io.culvert.agent.certs.CaClient.IssueException;
import io.culvert.agent.certs.CaClient.Issued;
import io.culvert.agent.certs.CallGate;
import io.culvert.agent.certs.CertificateKeeper;
import io.culvert.agent.certs.CertificateStatus;
import io.culvert.agent.certs.CertificateStore;
import io.culvert.agent.certs.CrlStore;
import io.culvert.agent.certs.TestCa;
import io.culvert.agent.config.ServerConfig;
import io.culvert.agent.config.Token;
import io.culvert.agent.fakeplane.FakeAuthority;
import io.culvert.agent.fakeplane.FakeControlPlane;
import io.culvert.agent.grpc.GrpcLoop;
import io.culvert.agent.grpc.ServerLink;
import io.culvert.agent.tls.TlsProfile;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.wire.auth.IstioCertificateRequest;
import io.culvert.testkit.Eventually;
import io.grpc.Metadata;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.Objects;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequestBuilder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class IstioCaClientTest {
    private static final SpiffeId ID = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/web");
    private static final Duration SOON = Duration.ofSeconds(20);

    private final GrpcLoop loop = new GrpcLoop();
    private final FakeControlPlane plane;
    private final IstioCaClient client;

    @TempDir
    private Path folder;

    IstioCaClientTest() throws IOException {
        plane = FakeControlPlane.start();
        client = new IstioCaClient(link(plane.config()), true);
    }

    private ServerLink link(ServerConfig server) {
        return new ServerLink(
                server, TlsProfile.STANDARD, new Token.Literal("token-1"), "c", loop, IstioCaClient.MESSAGE_BYTES_MAX);
    }

    @AfterEach
    void close() {
        client.close();
        plane.close();
        loop.close();
    }

    private static byte[] csr() throws Exception {
        KeyPair keys = TestCa.newKeys();
        return new JcaPKCS10CertificationRequestBuilder(new X500Name(""), keys.getPublic())
                .build(new JcaContentSignerBuilder("SHA256withECDSA").build(keys.getPrivate()))
                .getEncoded();
    }

    private Issued issue() throws Exception {
        return client.issue(ID, csr(), Duration.ofHours(2));
    }

    private IssueException failure() {
        return assertThrows(IssueException.class, this::issue);
    }

    @Test
    void asksOnBehalfOfTheWorkload_andSplitsTheAnswer() throws Exception {
        Issued issued = issue();
        assertEquals(2, issued.chain().size(), "the leaf and an intermediate");
        assertEquals(1, issued.roots().size());
        assertEquals(plane.authority().root().root(), issued.roots().getFirst());
        IstioCertificateRequest request = plane.authority().requests().getFirst();
        assertEquals(7_200, request.getValidityDuration());
        assertEquals(
                ID.uri(),
                request.getMetadata().getFieldsOrThrow("ImpersonatedIdentity").getStringValue());
        assertTrue(request.getCsr().startsWith("-----BEGIN CERTIFICATE REQUEST-----\n"));
        assertEquals(
                "Bearer token-1",
                plane.calls().getFirst().get(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER)));
    }

    @Test
    void asksForItself_whereItServesNobodyElse() throws Exception {
        plane.authority().confuse(ID.uri());
        try (IstioCaClient own = new IstioCaClient(link(plane.config()), false)) {
            own.issue(ID, csr(), Duration.ofHours(2));
        }
        assertFalse(plane.authority().requests().getFirst().hasMetadata());
    }

    @Test
    void takesSeveralRootsFromOneText_andSkipsWhatIsNone() throws Exception {
        String other = FakeAuthority.pem(TestCa.root("another").root());
        String broken = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        plane.authority()
                .falsify(answer -> answer.toBuilder()
                        .setCertChain(2, answer.getCertChain(2) + broken + other)
                        .build());
        assertEquals(2, issue().roots().size());
    }

    @Test
    void refusesAnAnswerWithoutLeafOrRoot() {
        plane.authority().falsify(answer -> answer.toBuilder().clearCertChain().build());
        assertEquals(IssueException.Kind.BAD_ANSWER, failure().kind());
        plane.authority().falsify(answer -> {
            String leaf = answer.getCertChain(0);
            return answer.toBuilder().clearCertChain().addCertChain(leaf).build();
        });
        assertEquals(IssueException.Kind.BAD_ANSWER, failure().kind());
        plane.authority()
                .falsify(answer -> answer.toBuilder().setCertChain(2, "").build());
        assertEquals(IssueException.Kind.BAD_ANSWER, failure().kind());
        plane.authority()
                .falsify(answer -> answer.toBuilder().setCertChain(1, "none").build());
        assertEquals(IssueException.Kind.BAD_ANSWER, failure().kind());
    }

    @Test
    void refusesACertificateForAnotherKey() {
        plane.authority()
                .falsify(answer -> answer.toBuilder()
                        .setCertChain(
                                0,
                                FakeAuthority.pem(plane.authority()
                                        .root()
                                        .sign(TestCa.leaf(ID))
                                        .getFirst()))
                        .build());
        assertEquals(
                "the authority's answer is a certificate for another key than ours",
                failure().getMessage());
    }

    @ParameterizedTest
    @EnumSource(
            value = Status.Code.class,
            names = {"UNAUTHENTICATED", "PERMISSION_DENIED", "INVALID_ARGUMENT", "UNIMPLEMENTED"})
    void tellsARefusal(Status.Code code) {
        plane.authority().refuse(code.toStatus().withDescription("not you"));
        IssueException failure = failure();
        assertEquals(IssueException.Kind.REFUSED, failure.kind());
        assertTrue(String.valueOf(failure.getMessage()).endsWith(code + ": not you"), failure::getMessage);
    }

    @ParameterizedTest
    @EnumSource(
            value = Status.Code.class,
            names = {"UNAVAILABLE", "RESOURCE_EXHAUSTED", "INTERNAL", "UNKNOWN"})
    void tellsAnAbsence(Status.Code code) throws Exception {
        plane.authority().refuse(code.toStatus());
        assertEquals(IssueException.Kind.UNREACHABLE, failure().kind());
        plane.authority().refuse(null);
        issue();
    }

    @Test
    void asksAgain_onceTheAuthorityIsBack() throws Exception {
        issue();
        plane.stop();
        assertEquals(IssueException.Kind.UNREACHABLE, failure().kind());
        plane.restart();
        issue();
    }

    @Test
    void followsTheRootsFile_andKeepsTheChannelWhileItIsBroken() throws Exception {
        Path file = Files.writeString(folder.resolve("root.pem"), plane.rootPem());
        ServerConfig known = plane.config();
        try (IstioCaClient following = new IstioCaClient(
                link(new ServerConfig(known.host(), known.port(), false, file.toString(), "", Map.of())), true)) {
            following.issue(ID, csr(), Duration.ofHours(1));
            Files.writeString(file, "half a fil");
            following.issue(ID, csr(), Duration.ofHours(1));
            Files.writeString(file, FakeAuthority.pem(TestCa.root("another").root()));
            assertThrows(IssueException.class, () -> following.issue(ID, csr(), Duration.ofHours(1)));
            Files.writeString(file, "# back\n" + plane.rootPem());
            following.issue(ID, csr(), Duration.ofHours(1));
        }
    }

    @Test
    void keepsAStoreSupplied() {
        try (CertificateStore store = store()) {
            store.track(ID);
            Eventually.holds("it is issued", SOON, () -> store.current(ID) != null);
            assertEquals(ID, Objects.requireNonNull(store.current(ID)).id());
        }
    }

    @Test
    void givesAStoreNothing_whenTheAuthorityNamesSomebodyElse() {
        plane.authority().confuse("spiffe://cluster.local/ns/shop/sa/other");
        try (CertificateStore store = store()) {
            store.track(ID);
            Eventually.holds("it is refused", SOON, () -> status(store).problem() != null);
            assertEquals(null, store.current(ID));
            assertTrue(String.valueOf(status(store).problem()).contains("another identity"));
        }
    }

    private static CertificateStatus status(CertificateStore store) {
        return store.statuses().getFirst();
    }

    private CertificateStore store() {
        return new CertificateStore(new CertificateKeeper.Surroundings(
                client,
                Duration.ofHours(1),
                InstantSource.system(),
                Ticker.SYSTEM,
                () -> 0.5,
                new CallGate(8),
                CrlStore.none(),
                TlsProfile.STANDARD));
    }
}
