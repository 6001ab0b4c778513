package io.culvert.agent.fakeplane;

import io.culvert.agent.base.Pem;
import io.culvert.agent.certs.TestCa;
import io.culvert.agent.config.ServerConfig;
import io.culvert.agent.tls.TlsProfile;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.netty.NettyServerBuilder;
import io.netty.channel.ChannelFactory;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.KeyPair;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Discovery and certificates at one TLS port, as an agent's own deployment would find them.
 *
 * <p>Owns: a server and its threads.
 */
public final class FakeControlPlane implements AutoCloseable {
    private static final ApplicationProtocolConfig ALPN = new ApplicationProtocolConfig(
            ApplicationProtocolConfig.Protocol.ALPN,
            ApplicationProtocolConfig.SelectorFailureBehavior.NO_ADVERTISE,
            ApplicationProtocolConfig.SelectedListenerFailureBehavior.ACCEPT,
            "h2");

    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

    private final TestCa serverRoot;
    private final FakeDiscovery discovery = new FakeDiscovery();
    private final FakeAuthority authority;
    private final List<Metadata> calls = new CopyOnWriteArrayList<>();
    private final EventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
    private final String name;
    private final InetSocketAddress at;
    private final int port;
    private Server server;

    private final ChannelFactory<EpollServerSocketChannel> sockets;
    private final @Nullable TlsProfile profile;
    private @Nullable SslContext tls;

    private FakeControlPlane(
            TestCa serverRoot,
            FakeAuthority authority,
            String name,
            InetSocketAddress at,
            ChannelFactory<EpollServerSocketChannel> sockets,
            @Nullable TlsProfile profile)
            throws IOException {
        this.sockets = sockets;
        this.profile = profile;
        this.serverRoot = serverRoot;
        this.authority = authority;
        this.name = name;
        this.at = at;
        this.server = serve(at);
        this.port = server.getPort();
    }

    /** Starts on a free port of the loopback address, under the name {@code localhost}. */
    public static FakeControlPlane start() throws IOException {
        return start("localhost", new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    }

    /** Starts at an address; the certificate carries the name and the address. */
    public static FakeControlPlane start(String name, InetSocketAddress at) throws IOException {
        return start(name, at, EpollServerSocketChannel::new);
    }

    /** Starts at an address on a socket that the factory makes, possibly in another network namespace. */
    public static FakeControlPlane start(
            String name, InetSocketAddress at, ChannelFactory<EpollServerSocketChannel> sockets) throws IOException {
        return start(name, at, sockets, null);
    }

    /** The same, which speaks TLS in this way; null for the JDK's own TLS, of which the agent's knows nothing. */
    public static FakeControlPlane start(
            String name,
            InetSocketAddress at,
            ChannelFactory<EpollServerSocketChannel> sockets,
            @Nullable TlsProfile profile)
            throws IOException {
        return new FakeControlPlane(TestCa.root("the server's root"), new FakeAuthority(), name, at, sockets, profile);
    }

    private Server serve(InetSocketAddress at) throws IOException {
        ServerInterceptor record = new ServerInterceptor() {
            @Override
            public <Q, A> ServerCall.Listener<Q> interceptCall(
                    ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
                calls.add(headers);
                String told = headers.get(AUTHORIZATION);
                Context context = Context.current().withValue(FakeAuthority.TOKEN, told == null ? "" : told);
                return Contexts.interceptCall(context, call, headers, next);
            }
        };
        return NettyServerBuilder.forAddress(at)
                .bossEventLoopGroup(loop)
                .workerEventLoopGroup(loop)
                .channelFactory(sockets)
                .executor(executor)
                .sslContext(newTls(at))
                .maxInboundMessageSize(64 << 20)
                .permitKeepAliveTime(1, TimeUnit.SECONDS)
                .intercept(record)
                .addService(discovery.service())
                .addService(authority.service())
                .build()
                .start();
    }

    private SslContext newTls(InetSocketAddress at) throws IOException {
        KeyPair keys = TestCa.newKeys();
        Instant now = Instant.now();
        List<X509Certificate> chain = serverRoot.sign(
                keys.getPublic(),
                new TestCa.Leaf()
                        .dns(name)
                        .ip(at.getAddress().getHostAddress())
                        .valid(now.minus(Duration.ofHours(1)), now.plus(Duration.ofDays(1))));
        SslContextBuilder builder =
                SslContextBuilder.forServer(keys.getPrivate(), chain.toArray(X509Certificate[]::new));
        SslContext made = profile == null
                ? builder.sslProvider(SslProvider.JDK)
                        .applicationProtocolConfig(ALPN)
                        .build()
                : profile.context(builder);
        tls = made;
        return made;
    }

    public FakeDiscovery discovery() {
        return discovery;
    }

    public FakeAuthority authority() {
        return authority;
    }

    public int port() {
        return port;
    }

    /** Whom its own certificate chains to, PEM. */
    public String rootPem() {
        try {
            return Pem.write("CERTIFICATE", serverRoot.root().getEncoded());
        } catch (CertificateEncodingException e) {
            throw new IllegalStateException(e);
        }
    }

    /** How an agent is told of it. */
    public ServerConfig config() {
        return new ServerConfig(name, port(), false, rootPem(), "", Map.of());
    }

    /** The headers of every call until now. */
    public List<Metadata> calls() {
        return List.copyOf(calls);
    }

    /** Goes away, and with it every connection. */
    public void stop() {
        server.shutdownNow();
        try {
            if (!server.awaitTermination(10, TimeUnit.SECONDS)) {
                throw new IllegalStateException("the server does not end");
            }
            ReferenceCountUtil.release(tls);
            tls = null;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Comes back at the same port, as a process of its own: what it sent before it knows no more. */
    public void restart() throws IOException {
        stop();
        server = serve(new InetSocketAddress(at.getAddress(), port));
    }

    @Override
    public void close() {
        stop();
        executor.shutdownNow();
        loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2, TimeUnit.SECONDS);
    }
}
