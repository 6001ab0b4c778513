package io.culvert.agent.tls;

import io.culvert.agent.config.TlsConfig;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.DelegatingSslContext;
import io.netty.handler.ssl.OpenSslContextOption;
import io.netty.handler.ssl.OpenSslSessionContext;
import io.netty.handler.ssl.ReferenceCountedOpenSslEngine;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.netty.internal.tcnative.SSL;
import java.util.List;
import java.util.stream.Stream;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;

/**
 * What TLS offers and takes, the same in tunnels and towards the servers of the mesh: TLS 1.3, and 1.2 beside it where that is
 * permitted; ALPN {@code h2}.
 *
 * <p>Every connection is a full handshake, and the only one: a session that is resumed, or a handshake that is repeated, would
 * pass by the verification of the peer as of now.
 *
 * <p>Runs on: any.
 *
 * <p>Source: RFC 8446; RFC 5246 and RFC 9113, section 9.2, for 1.2; draft-ietf-tls-ecdhe-mlkem for the hybrid group.
 */
public final class TlsProfile {
    /** Of HTTP/2 in ALPN. */
    public static final String HTTP2 = "h2";

    private static final ApplicationProtocolConfig ALPN = new ApplicationProtocolConfig(
            ApplicationProtocolConfig.Protocol.ALPN,
            ApplicationProtocolConfig.SelectorFailureBehavior.NO_ADVERTISE,
            ApplicationProtocolConfig.SelectedListenerFailureBehavior.ACCEPT,
            HTTP2);

    /** The library has these in an order of its own, by what the processor is good at, and takes no other list. */
    private static final List<String> SUITES_13 =
            List.of("TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256");

    private static final List<String> SUITES_12 = List.of(
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");

    private static final String HYBRID = "X25519MLKEM768";
    /** Like the other meshes' proxies: classic curves first, the hybrid for peers that accept nothing else. */
    private static final List<String> GROUPS = List.of("X25519", "P-256", "P-384", HYBRID);

    /** What holds when nobody says otherwise. */
    public static final TlsProfile STANDARD = of(TlsConfig.STANDARD);

    private final List<String> protocols;
    private final List<String> suites;
    private final List<String> groups;
    private final KernelTlsSupport kernel;

    TlsProfile(boolean tls13, boolean tls12, List<String> groups, KernelTlsSupport kernel) {
        this.kernel = kernel;
        protocols = Stream.concat(
                        tls13 ? Stream.of("TLSv1.3") : Stream.of(), tls12 ? Stream.of("TLSv1.2") : Stream.of())
                .toList();
        suites = Stream.concat(tls13 ? SUITES_13.stream() : Stream.of(), tls12 ? SUITES_12.stream() : Stream.of())
                .toList();
        this.groups = groups;
    }

    /** As configured; the library makes and reads all records. */
    public static TlsProfile of(TlsConfig config) {
        return of(config, KernelTlsSupport.OFF);
    }

    /** As configured; the kernel makes and reads what records it can. */
    public static TlsProfile of(TlsConfig config, KernelTlsSupport kernel) {
        return new TlsProfile(true, config.tls12(), config.postQuantumOnly() ? List.of(HYBRID) : GROUPS, kernel);
    }

    /** What records the kernel can make and read. */
    public KernelTlsSupport kernel() {
        return kernel;
    }

    /**
     * Builds a context of this profile on the native library; whoever asked for it releases it.
     *
     * <p>Errors: {@link SSLException} when TLS refuses what else was set.
     */
    public SslContext context(SslContextBuilder builder) throws SSLException {
        SslContext context = builder.sslProvider(SslProvider.OPENSSL_REFCNT)
                .protocols(protocols)
                .ciphers(suites)
                .applicationProtocolConfig(ALPN)
                .option(OpenSslContextOption.GROUPS, groups.toArray(String[]::new))
                .build();
        ((OpenSslSessionContext) context.sessionContext()).setSessionCacheEnabled(false);
        return context;
    }

    /** Makes sure that an engine of such a context deals in no tickets, and lets nobody begin a second handshake. */
    public static SSLEngine onceOnly(SSLEngine engine) {
        long ssl = ((ReferenceCountedOpenSslEngine) engine).sslPointer();
        SSL.setOptions(ssl, SSL.SSL_OP_NO_TICKET);
        try {
            SSL.setRenegotiateMode(ssl, SSL.SSL_RENEGOTIATE_NEVER);
        } catch (Exception e) {
            throw new IllegalStateException("the TLS library cannot be told to refuse renegotiation", e);
        }
        return engine;
    }

    /** The same context for a library that makes the engines by itself; it does not own the context. */
    public static SslContext onceOnly(SslContext context) {
        return new DelegatingSslContext(context) {
            @Override
            protected void initEngine(SSLEngine engine) {
                SSLEngine _ = onceOnly(engine);
            }
        };
    }
}
