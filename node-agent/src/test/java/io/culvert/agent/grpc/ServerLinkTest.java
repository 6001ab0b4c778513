package io.culvert.agent.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.certs.TestCa;
import io.culvert.agent.config.ServerConfig;
import io.culvert.agent.config.Token;
import io.culvert.agent.fakeplane.FakeAuthority;
import io.culvert.agent.fakeplane.FakeControlPlane;
import io.culvert.agent.tls.Hello;
import io.culvert.agent.tls.TestProfiles;
import io.culvert.agent.tls.TlsProfile;
import io.culvert.protocol.wire.auth.IstioCertificateRequest;
import io.culvert.protocol.wire.auth.IstioCertificateResponse;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.lite.ProtoLiteUtils;
import io.netty.channel.epoll.EpollServerSocketChannel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against a real gRPC server: whether a call gets through to it is told by the server's own refusal. */
class ServerLinkTest {
    private static final MethodDescriptor<IstioCertificateRequest, IstioCertificateResponse> ABSENT =
            MethodDescriptor.newBuilder(
                            ProtoLiteUtils.marshaller(IstioCertificateRequest.getDefaultInstance()),
                            ProtoLiteUtils.marshaller(IstioCertificateResponse.getDefaultInstance()))
                    .setType(MethodDescriptor.MethodType.UNARY)
                    .setFullMethodName("nobody.knows/This")
                    .build();

    private final GrpcLoop loop = new GrpcLoop();
    private FakeControlPlane plane;

    @TempDir
    private Path folder;

    ServerLinkTest() throws IOException {
        plane = FakeControlPlane.start();
    }

    @BeforeEach
    void calm() {
        assertEquals(0, plane.calls().size());
    }

    @AfterEach
    void close() {
        plane.close();
        loop.close();
    }

    private Status.Code reach(TlsProfile client, TlsProfile server) throws IOException {
        InetSocketAddress anyPort = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        try (FakeControlPlane other =
                FakeControlPlane.start("localhost", anyPort, EpollServerSocketChannel::new, server)) {
            return reach(new ServerLink(other.config(), client, new Token.None(), "c", loop, 1 << 20));
        }
    }

    private ServerLink link(ServerConfig server) {
        return new ServerLink(server, TlsProfile.STANDARD, new Token.None(), "c", loop, 1 << 20);
    }

    private ServerConfig config(String host, String rootCa, String altHostname) {
        return new ServerConfig(host, plane.port(), false, rootCa, altHostname, Map.of());
    }

    private Status.Code reach(ServerLink link) throws IOException {
        try (OpenChannel channel = link.open()) {
            return reach(channel, link);
        }
    }

    private static Status.Code reach(OpenChannel channel, ServerLink link) throws IOException {
        return assertThrows(
                        StatusException.class,
                        () -> UnaryCall.ask(
                                channel.channel(),
                                ABSENT,
                                link.headers(),
                                IstioCertificateRequest.getDefaultInstance(),
                                Duration.ofSeconds(10)))
                .getStatus()
                .getCode();
    }

    @Test
    void reachesAServerOfTheRightRootAndName() throws IOException {
        assertEquals(Status.Code.UNIMPLEMENTED, reach(link(plane.config())));
        assertEquals(
                Status.Code.UNIMPLEMENTED,
                reach(link(config("127.0.0.1", plane.rootPem(), ""))),
                "its address is in its certificate");
    }

    @Test
    void refusesAServerOfAnotherRoot() throws IOException {
        String other = FakeAuthority.pem(TestCa.root("another").root());
        assertEquals(Status.Code.UNAVAILABLE, reach(link(config("localhost", other, ""))));
        assertEquals(
                Status.Code.UNIMPLEMENTED,
                reach(link(config("localhost", other + plane.rootPem(), ""))),
                "one of several roots will do");
    }

    @Test
    void speaksTls13Alone_unlessToldOtherwise() throws IOException {
        assertEquals(Status.Code.UNAVAILABLE, reach(TlsProfile.STANDARD, TestProfiles.TLS12_ONLY));
        assertEquals(Status.Code.UNIMPLEMENTED, reach(TestProfiles.TLS12_TOO, TestProfiles.TLS12_ONLY));
        assertEquals(Status.Code.UNIMPLEMENTED, reach(TestProfiles.TLS12_TOO, TlsProfile.STANDARD));
        assertEquals(Status.Code.UNIMPLEMENTED, reach(TlsProfile.STANDARD, TestProfiles.TLS12_TOO));
    }

    @Test
    void agreesOnPostQuantumKeysAlone_whereToldTo() throws IOException {
        assertEquals(Status.Code.UNIMPLEMENTED, reach(TestProfiles.PQC, TlsProfile.STANDARD));
        assertEquals(Status.Code.UNIMPLEMENTED, reach(TestProfiles.PQC, TestProfiles.PQC));
        assertEquals(Status.Code.UNIMPLEMENTED, reach(TlsProfile.STANDARD, TestProfiles.PQC), "it asks twice");
        assertEquals(Status.Code.UNAVAILABLE, reach(TestProfiles.PQC, TestProfiles.CLASSIC_ONLY));
        assertEquals(Status.Code.UNAVAILABLE, reach(TestProfiles.PQC, TestProfiles.TLS12_ONLY));
    }

    /** What a link says first, to a server that then goes away. */
    private Hello firstWord(TlsProfile profile) throws IOException {
        try (ServerSocket listener = new ServerSocket(0, 4, InetAddress.getLoopbackAddress())) {
            CompletableFuture<byte[]> heard = CompletableFuture.supplyAsync(() -> {
                try (Socket socket = listener.accept()) {
                    byte[] head = socket.getInputStream().readNBytes(5);
                    int length = Byte.toUnsignedInt(head[3]) << 8 | Byte.toUnsignedInt(head[4]);
                    ByteArrayOutputStream record = new ByteArrayOutputStream();
                    record.writeBytes(head);
                    record.writeBytes(socket.getInputStream().readNBytes(length));
                    return record.toByteArray();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            ServerConfig server =
                    new ServerConfig("localhost", listener.getLocalPort(), false, plane.rootPem(), "", Map.of());
            assertEquals(
                    Status.Code.UNAVAILABLE, reach(new ServerLink(server, profile, new Token.None(), "c", loop, 1)));
            return Hello.read(heard.orTimeout(10, TimeUnit.SECONDS).join());
        }
    }

    @Test
    void offersServersWhatItOffersPeers() throws IOException {
        List<Integer> groups = List.of(Hello.X25519, Hello.P256, Hello.P384, Hello.X25519MLKEM768);
        Hello standard = firstWord(TlsProfile.STANDARD);
        assertEquals(List.of(Hello.TLS13), standard.versions());
        assertEquals(groups, standard.groups());
        Hello older = firstWord(TestProfiles.TLS12_TOO);
        assertEquals(List.of(Hello.TLS13, Hello.TLS12), older.versions());
        assertEquals(groups, older.groups());
        assertEquals(
                List.of(0xc02c, 0xc02b, 0xc030, 0xc02f),
                older.suites().subList(3, older.suites().size()));
        Hello postQuantum = firstWord(TestProfiles.PQC);
        assertEquals(List.of(Hello.TLS13), postQuantum.versions());
        assertEquals(List.of(Hello.X25519MLKEM768), postQuantum.groups());
        for (Hello each : List.of(standard, older, postQuantum)) {
            assertTrue(each.has(Hello.ALPN));
            assertFalse(each.has(Hello.SESSION_TICKET) || each.has(Hello.PRE_SHARED_KEY), "nothing is resumed");
        }
    }

    @Test
    void takesAFurtherName_andNoOther() throws IOException {
        try (FakeControlPlane elsewhere = FakeControlPlane.start(
                "istiod.istio-system.svc", new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
            ServerConfig wrong =
                    new ServerConfig("localhost", elsewhere.port(), false, elsewhere.rootPem(), "", Map.of());
            assertEquals(Status.Code.UNAVAILABLE, reach(link(wrong)));
            ServerConfig right = new ServerConfig(
                    "localhost", elsewhere.port(), false, elsewhere.rootPem(), "istiod.istio-system.svc", Map.of());
            assertEquals(Status.Code.UNIMPLEMENTED, reach(link(right)));
        }
    }

    @Test
    void readsTheRootsAnew_whenTheirFileChanges() throws IOException {
        Path file = folder.resolve("root.pem");
        Files.writeString(file, FakeAuthority.pem(TestCa.root("another").root()));
        ServerLink link = link(config("localhost", file.toString(), ""));
        try (OpenChannel first = link.open()) {
            assertEquals(Status.Code.UNAVAILABLE, reach(first, link));
            assertFalse(link.isOutdated(first));
            Files.writeString(file, "# now both\n" + plane.rootPem());
            assertTrue(link.isOutdated(first));
        }
        assertEquals(Status.Code.UNIMPLEMENTED, reach(link));
    }

    @Test
    void saysWhatIsWrongWithRootsOrToken() throws IOException {
        ServerLink absent = link(config("localhost", folder.resolve("absent").toString(), ""));
        assertEquals(
                "the root certificates that it must chain to cannot be read: " + folder.resolve("absent")
                        + " does not exist; mount them there, or name others by XDS_ROOT_CA and CA_ROOT_CA",
                assertThrows(IOException.class, absent::open).getMessage());
        ServerLink unproved = new ServerLink(
                plane.config(), TlsProfile.STANDARD, new Token.InFile(folder.resolve("token")), "c", loop, 1 << 20);
        assertEquals(
                "the token that the agent proves itself with cannot be read: " + folder.resolve("token")
                        + " does not exist; mount it there, or name another by AUTH_TOKEN",
                assertThrows(IOException.class, unproved::headers).getMessage());
        Path empty = Files.writeString(folder.resolve("empty"), "\n");
        ServerLink none = link(config("localhost", empty.toString(), ""));
        assertTrue(String.valueOf(assertThrows(IOException.class, none::open).getMessage())
                .startsWith("there is no certificate in "));
        ServerLink bare =
                new ServerLink(plane.config(), TlsProfile.STANDARD, new Token.InFile(empty), "c", loop, 1 << 20);
        assertTrue(String.valueOf(assertThrows(IOException.class, bare::headers).getMessage())
                .startsWith("there is no token in "));
        Path binary = Files.writeString(folder.resolve("binary"), "a\u0001b");
        ServerLink odd =
                new ServerLink(plane.config(), TlsProfile.STANDARD, new Token.InFile(binary), "c", loop, 1 << 20);
        assertThrows(IOException.class, odd::headers);
    }

    @Test
    void sendsNoClusterWithoutAToken() throws IOException {
        assertEquals(0, link(plane.config()).headers().keys().size());
        ServerLink literal =
                new ServerLink(plane.config(), TlsProfile.STANDARD, new Token.Literal("abc"), "c", loop, 1 << 20);
        assertEquals(2, literal.headers().keys().size());
    }

    @Test
    void knowsTheSystemsRoots() throws IOException {
        assertFalse(TrustRoots.of("SYSTEM").load().isEmpty());
    }

    @Test
    void doesWithoutTls_whereToldTo() throws Exception {
        Server plain = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .build()
                .start();
        try {
            ServerConfig server = new ServerConfig("127.0.0.1", plain.getPort(), true, "absent", "", Map.of());
            assertEquals(Status.Code.UNIMPLEMENTED, reach(link(server)));
        } finally {
            plain.shutdownNow().awaitTermination();
        }
    }

    @Test
    void doesNotWaitForEver_forAnAnswer() throws IOException {
        plane.authority().fallSilent();
        MethodDescriptor<IstioCertificateRequest, IstioCertificateResponse> create = ABSENT.toBuilder()
                .setFullMethodName("istio.v1.auth.IstioCertificateService/CreateCertificate")
                .build();
        ServerLink link = link(plane.config());
        try (OpenChannel channel = link.open()) {
            StatusException late = assertThrows(
                    StatusException.class,
                    () -> UnaryCall.ask(
                            channel.channel(),
                            create,
                            link.headers(),
                            IstioCertificateRequest.getDefaultInstance(),
                            Duration.ofMillis(300)));
            assertEquals(Status.Code.DEADLINE_EXCEEDED, late.getStatus().getCode());
        }
    }
}
