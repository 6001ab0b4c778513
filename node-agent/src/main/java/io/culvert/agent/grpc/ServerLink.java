package io.culvert.agent.grpc;

import io.culvert.agent.config.ServerConfig;
import io.culvert.agent.config.Token;
import io.culvert.agent.tls.TlsProfile;
import io.grpc.Codec;
import io.grpc.DecompressorRegistry;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.netty.NegotiationType;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.ChannelOption;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * How one server of the mesh is reached: where it is, whom it must chain to, what each call carries.
 *
 * <p>Runs on: a control thread. Bounds: 5 s to connect; a peer that is silent for 30 s has 10 s to answer a PING; messages as
 * large as given.
 *
 * <p>Errors: {@link IOException} when roots or token cannot be read; what the server does wrong comes as the status of a call.
 */
public final class ServerLink {
    private static final int CONNECT_MILLIS = 5_000;
    private static final int KEEPALIVE_SECONDS = 30;
    private static final int KEEPALIVE_TIMEOUT_SECONDS = 10;
    private static final int TCP_KEEPALIVE_IDLE_SECONDS = 300;
    private static final int TCP_KEEPALIVE_INTERVAL_SECONDS = 75;
    private static final int TCP_KEEPALIVE_PROBES = 9;
    private static final int WINDOW_BYTES = 4 << 20;

    private final ServerConfig server;
    private final TlsProfile profile;
    private final TrustRoots roots;
    private final CallHeaders headers;
    private final GrpcLoop loop;
    private final int messageBytesMax;

    /**
     * A link that is not opened yet.
     *
     * @param server where it is
     * @param profile how TLS is spoken with it
     * @param token what we prove ourselves with
     * @param clusterId sent along with a token
     * @param loop whose threads to use
     * @param messageBytesMax how large an answer may be
     */
    public ServerLink(
            ServerConfig server,
            TlsProfile profile,
            Token token,
            String clusterId,
            GrpcLoop loop,
            int messageBytesMax) {
        this.server = server;
        this.profile = profile;
        this.roots = TrustRoots.of(server.rootCa());
        this.headers = new CallHeaders(token, clusterId, server.headers());
        this.loop = loop;
        this.messageBytesMax = messageBytesMax;
    }

    /** Where it leads to, for people. */
    public String name() {
        return server.authority();
    }

    /** A new channel, with the roots as they are now; it connects with its first call. */
    public OpenChannel open() throws IOException {
        String stamp = roots.stamp();
        SslContext tls = server.plaintext() ? null : tls();
        return new OpenChannel(channel(tls), tls, stamp, loop.blocking());
    }

    /** Whether a channel was opened with other roots than there are now. */
    public boolean isOutdated(OpenChannel channel) {
        return !server.plaintext() && !channel.rootsStamp().equals(roots.stamp());
    }

    /** The headers of one call. */
    public Metadata headers() throws IOException {
        return headers.next();
    }

    private ManagedChannel channel(@Nullable SslContext tls) {
        NettyChannelBuilder builder = NettyChannelBuilder.forAddress(server.host(), server.port())
                .eventLoopGroup(loop.loop())
                .channelType(EpollSocketChannel.class)
                .executor(loop.blocking())
                .offloadExecutor(loop.blocking())
                // Else proxies of the environment would come into it.
                .proxyDetector(address -> null)
                .decompressorRegistry(DecompressorRegistry.emptyInstance().with(Codec.Identity.NONE, false))
                .disableServiceConfigLookUp()
                .disableRetry()
                .flowControlWindow(WINDOW_BYTES)
                .maxInboundMessageSize(messageBytesMax)
                .keepAliveTime(KEEPALIVE_SECONDS, TimeUnit.SECONDS)
                .keepAliveTimeout(KEEPALIVE_TIMEOUT_SECONDS, TimeUnit.SECONDS)
                .withOption(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_MILLIS)
                .withOption(ChannelOption.SO_KEEPALIVE, true)
                .withOption(EpollChannelOption.TCP_KEEPIDLE, TCP_KEEPALIVE_IDLE_SECONDS)
                .withOption(EpollChannelOption.TCP_KEEPINTVL, TCP_KEEPALIVE_INTERVAL_SECONDS)
                .withOption(EpollChannelOption.TCP_KEEPCNT, TCP_KEEPALIVE_PROBES)
                .withOption(ChannelOption.ALLOCATOR, ExactAllocator.SHARED);
        return tls == null
                ? builder.negotiationType(NegotiationType.PLAINTEXT).build()
                : builder.negotiationType(NegotiationType.TLS)
                        .sslContext(TlsProfile.onceOnly(tls))
                        .build();
    }

    private SslContext tls() throws IOException {
        List<String> names = new ArrayList<>(List.of(server.host()));
        if (!server.altHostname().isEmpty()) {
            names.add(server.altHostname());
        }
        return profile.context(SslContextBuilder.forClient().trustManager(new ServerVerifier(roots.load(), names)));
    }
}
