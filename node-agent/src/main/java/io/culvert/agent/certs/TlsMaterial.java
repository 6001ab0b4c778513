package io.culvert.agent.certs;

import io.culvert.agent.tls.KernelTlsSupport;
import io.culvert.agent.tls.SecretsLog;
import io.culvert.agent.tls.TlsProfile;
import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.identity.SpiffeId;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.OpenSslContextOption;
import io.netty.handler.ssl.ReferenceCountedOpenSslEngine;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.internal.tcnative.SSL;
import io.netty.util.ReferenceCountUtil;
import java.lang.ref.Cleaner;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;

/**
 * One workload certificate with its key and roots, ready for TLS in both roles: client certificate mandatory, no SNI, the rest
 * as its {@link TlsProfile} has it.
 *
 * <p>Runs on: any. Owns: two TLS contexts, freed once nothing refers to this any more.
 *
 * <p>Source: RFC 8446; SPIFFE X.509-SVID.
 */
public final class TlsMaterial {
    private static final Cleaner CLEANER = Cleaner.create();
    private static final int CERTIFICATE_BYTES_MAX = 64 * 1024;

    private final SpiffeId id;
    private final CaClient.Issued issued;
    private final SpiffeVerifier verifier;
    private final SslContext server;
    private final SslContext client;
    /** Null where the library keeps all records. */
    private final @Nullable SecretsLog secrets;

    private final KernelTlsSupport kernel;

    private TlsMaterial(
            SpiffeId id,
            CaClient.Issued issued,
            SpiffeVerifier verifier,
            SslContext server,
            SslContext client,
            KernelTlsSupport kernel) {
        this.id = id;
        this.issued = issued;
        this.verifier = verifier;
        this.server = server;
        this.client = client;
        this.kernel = kernel;
        this.secrets = kernel.isThere() ? SecretsLog.of(server, client) : null;
        CLEANER.register(this, () -> {
            ReferenceCountUtil.release(server);
            ReferenceCountUtil.release(client);
        });
    }

    /**
     * Builds both roles' contexts.
     *
     * <p>Errors: {@link CertificateException} when the leaf is not the identity that was asked for, {@link SSLException}
     * when TLS refuses key or chain.
     */
    static TlsMaterial build(
            SpiffeId id, PrivateKey key, CaClient.Issued issued, InstantSource clock, CrlStore crl, TlsProfile profile)
            throws CertificateException, SSLException {
        X509Certificate leaf = issued.chain().getFirst();
        if (!SpiffeVerifier.idOf(leaf).equals(id)) {
            throw new CertificateException("the authority answered with a certificate of another identity");
        }
        SpiffeVerifier verifier = new SpiffeVerifier(id, issued.roots(), clock, crl);
        X509Certificate[] chain = issued.chain().toArray(X509Certificate[]::new);
        SslContext server = profile.context(
                common(SslContextBuilder.forServer(key, chain), verifier).clientAuth(ClientAuth.REQUIRE));
        SslContext client = profile.context(common(SslContextBuilder.forClient().keyManager(key, chain), verifier)
                .endpointIdentificationAlgorithm(null));
        return new TlsMaterial(id, issued, verifier, server, client, profile.kernel());
    }

    private static SslContextBuilder common(SslContextBuilder builder, SpiffeVerifier verifier) {
        return builder.trustManager(verifier)
                .option(OpenSslContextOption.USE_TASKS, false)
                .option(OpenSslContextOption.MAX_CERTIFICATE_LIST_BYTES, CERTIFICATE_BYTES_MAX);
    }

    /** An engine for an accepted connection; the caller hands it to {@link #release}. */
    public SSLEngine serverEngine() {
        return announced(TlsProfile.onceOnly(server.newEngine(UnpooledByteBufAllocator.DEFAULT)));
    }

    private SSLEngine announced(SSLEngine engine) {
        if (secrets != null) {
            secrets.announce(engine);
        }
        return engine;
    }

    /** An engine for a connection to a server that must prove one of these identities. */
    public SSLEngine clientEngine(List<SpiffeId> expected) {
        SSLEngine engine = announced(TlsProfile.onceOnly(client.newEngine(UnpooledByteBufAllocator.DEFAULT)));
        verifier.expect(engine, expected);
        return engine;
    }

    /** Frees an engine of ours, once. */
    public void release(SSLEngine engine) {
        verifier.forget(engine);
        if (secrets != null) {
            secrets.forget(engine);
        }
        ReferenceCountUtil.release(engine);
    }

    /** What a finished handshake's records are protected with, once; null where the kernel is not to know. */
    public SecretsLog.@Nullable Agreed takeSecrets(SSLEngine engine) {
        return secrets == null ? null : secrets.take(engine);
    }

    /** Of how many engines secrets are kept. */
    int secretsKept() {
        return secrets == null ? 0 : secrets.size();
    }

    /** What records the kernel can make and read. */
    public KernelTlsSupport kernel() {
        return kernel;
    }

    /**
     * Makes sure that a finished handshake agreed on {@code h2}: whoever does not ask for it speaks something else.
     *
     * <p>Source: RFC 9113, section 3.2.
     */
    public static void requireHttp2(SSLEngine engine) throws SSLException {
        String agreed = engine instanceof ReferenceCountedOpenSslEngine ours
                ? ours.getNegotiatedApplicationProtocol()
                : engine.getApplicationProtocol();
        if (!TlsProfile.HTTP2.equals(agreed)) {
            throw new SSLException("the peer did not agree on HTTP/2 (ALPN h2)");
        }
    }

    /** Who the peer of a finished handshake proved to be. */
    public static PeerIdentity peerOf(SSLEngine engine) {
        try {
            Certificate[] chain = engine.getSession().getPeerCertificates();
            return new PeerIdentity.Verified(SpiffeVerifier.idOf((X509Certificate) chain[0]));
        } catch (SSLPeerUnverifiedException | CertificateException e) {
            return new PeerIdentity.Absent(PeerIdentity.Reason.NO_SPIFFE_SAN);
        }
    }

    /**
     * Why the peer of a finished handshake may not go on, by the revocation lists now in force; null when it may. To be asked of
     * each tunnel when the lists change.
     */
    public @Nullable PeerRejectedException revoked(SSLEngine engine) {
        try {
            Certificate[] chain = engine.getSession().getPeerCertificates();
            verifier.requireStillGood(Arrays.copyOf(chain, chain.length, X509Certificate[].class));
            return null;
        } catch (PeerRejectedException e) {
            return e;
        } catch (SSLPeerUnverifiedException | CertificateException e) {
            return new PeerRejectedException(
                    PeerRejectedException.Why.UNREADABLE, "the peer's certificate cannot be read again", e);
        }
    }

    /** Whether an engine that is not closed has met a record after which it reads none. */
    public static boolean readsNoMore(SSLEngine engine) {
        long ssl = engine instanceof ReferenceCountedOpenSslEngine open ? open.sslPointer() : 0;
        return ssl != 0 && (SSL.getShutdown(ssl) & SSL.SSL_RECEIVED_SHUTDOWN) != 0;
    }

    public SpiffeId id() {
        return id;
    }

    /** The leaf, then intermediates. */
    public List<X509Certificate> chain() {
        return issued.chain();
    }

    public List<X509Certificate> roots() {
        return issued.roots();
    }

    public Instant notBefore() {
        return issued.chain().getFirst().getNotBefore().toInstant();
    }

    public Instant notAfter() {
        return issued.chain().getFirst().getNotAfter().toInstant();
    }
}
