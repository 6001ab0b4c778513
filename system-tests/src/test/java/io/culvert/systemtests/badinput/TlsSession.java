package io.culvert.systemtests.badinput;

import io.culvert.testkit.Deadline;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;

/** TLS of the platform on a {@link PeerSocket}: presents any certificate, accepts every one. */
public final class TlsSession {
    private static final Pattern ALERT = Pattern.compile("Received fatal alert: (\\w+)");
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    /**
     * How this end presents itself.
     *
     * @param identity key and chain, null for none
     * @param protocol the only version offered
     * @param alpn the protocols offered
     */
    public record Look(TestCa.@Nullable Identity identity, String protocol, List<String> alpn) {
        public static Look of(TestCa.@Nullable Identity identity) {
            return new Look(identity, "TLSv1.3", List.of("h2"));
        }
    }

    private final PeerSocket socket;
    private final SSLEngine engine;
    private byte[] rest = new byte[0];

    private TlsSession(PeerSocket socket, Look look, boolean client) {
        this.socket = socket;
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(
                    new KeyManager[] {new OneIdentity(look.identity())},
                    // What the agents present is checked by their own tests.
                    InsecureTrustManagerFactory.INSTANCE.getTrustManagers(),
                    new SecureRandom());
            engine = context.createSSLEngine();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
        engine.setUseClientMode(client);
        SSLParameters parameters = engine.getSSLParameters();
        parameters.setProtocols(new String[] {look.protocol()});
        parameters.setApplicationProtocols(look.alpn().toArray(String[]::new));
        if (!client) {
            parameters.setNeedClientAuth(true);
        }
        engine.setSSLParameters(parameters);
    }

    public static TlsSession client(PeerSocket socket, Look look) {
        return new TlsSession(socket, look, true);
    }

    public static TlsSession server(PeerSocket socket, Look look) {
        return new TlsSession(socket, look, false);
    }

    /** The first flight of a client, as bytes. */
    public byte[] hello() throws IOException {
        engine.beginHandshake();
        return wrap(NOTHING);
    }

    /** Shakes hands; a refusal is a {@link PeerGoneException}, which TLS 1.3 may also show only at the first read. */
    public void handshake(Duration within) throws IOException {
        try {
            shakeHands(Deadline.after(within));
        } catch (SSLException e) {
            // What this end has against the other, it says.
            socket.write(wrap(NOTHING));
            throw e;
        }
    }

    private void shakeHands(Deadline deadline) throws IOException {
        engine.beginHandshake();
        while (true) {
            switch (engine.getHandshakeStatus()) {
                case NEED_WRAP -> socket.write(wrap(NOTHING));
                case NEED_TASK -> runTasks();
                case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> {
                    if (unwrap(deadline).length > 0) {
                        throw new IOException("application data during the handshake");
                    }
                }
                case FINISHED, NOT_HANDSHAKING -> {
                    return;
                }
            }
            if (deadline.passed()) {
                throw new IOException("the handshake took too long");
            }
        }
    }

    private void runTasks() {
        for (Runnable task = engine.getDelegatedTask(); task != null; task = engine.getDelegatedTask()) {
            task.run();
        }
    }

    /** The URI that the other end's certificate names it by. */
    public String peerUri() throws IOException {
        try {
            X509Certificate peer = (X509Certificate) engine.getSession().getPeerCertificates()[0];
            return peer.getSubjectAlternativeNames().stream()
                    .filter(name -> name.get(0).equals(6))
                    .map(name -> String.valueOf(name.get(1)))
                    .findFirst()
                    .orElse("");
        } catch (GeneralSecurityException e) {
            throw new IOException(e);
        }
    }

    public String alpn() {
        return engine.getApplicationProtocol();
    }

    public void write(byte[] plain) throws IOException {
        socket.write(encrypt(plain));
    }

    private byte[] encrypt(byte[] plain) throws IOException {
        ByteBuffer from = ByteBuffer.wrap(plain);
        byte[] all = new byte[0];
        do {
            all = H2.join(all, wrap(from));
        } while (from.hasRemaining());
        return all;
    }

    private byte[] wrap(ByteBuffer from) throws IOException {
        ByteBuffer to = ByteBuffer.allocate(engine.getSession().getPacketBufferSize() + from.remaining());
        SSLEngineResult result = engine.wrap(from, to);
        if (result.getStatus() == SSLEngineResult.Status.CLOSED && to.position() == 0) {
            throw new PeerGoneException(PeerGoneException.How.ALERT, "close_notify");
        }
        return Arrays.copyOf(to.array(), to.position());
    }

    /** What came, empty when nothing did in time. */
    public byte[] read(Duration within) throws IOException {
        Deadline deadline = Deadline.after(within);
        while (true) {
            byte[] plain = unwrap(deadline);
            if (plain.length > 0 || deadline.passed()) {
                return plain;
            }
        }
    }

    /** One step: from what is there, or after reading more. */
    private byte[] unwrap(Deadline deadline) throws IOException {
        ByteBuffer from = ByteBuffer.wrap(rest);
        ByteBuffer to = ByteBuffer.allocate(engine.getSession().getApplicationBufferSize());
        SSLEngineResult result = unwrap(from, to);
        rest = Arrays.copyOfRange(rest, from.position(), rest.length);
        runTasks();
        if (result.getStatus() == SSLEngineResult.Status.CLOSED) {
            throw new PeerGoneException(PeerGoneException.How.ALERT, "close_notify");
        }
        if (to.position() == 0 && result.bytesConsumed() == 0) {
            rest = H2.join(rest, socket.read(deadline.remaining()));
        }
        return Arrays.copyOf(to.array(), to.position());
    }

    private SSLEngineResult unwrap(ByteBuffer from, ByteBuffer to) throws IOException {
        try {
            return engine.unwrap(from, to);
        } catch (SSLException e) {
            Matcher alert = ALERT.matcher(String.valueOf(e.getMessage()));
            if (alert.find()) {
                throw new PeerGoneException(PeerGoneException.How.ALERT, alert.group(1));
            }
            throw e;
        }
    }

    private static final class OneIdentity extends X509ExtendedKeyManager {
        private static final String ALIAS = "it";
        private final TestCa.@Nullable Identity identity;

        private OneIdentity(TestCa.@Nullable Identity identity) {
            this.identity = identity;
        }

        private @Nullable String alias(String keyType) {
            TestCa.Identity mine = identity;
            if (mine == null) {
                return null;
            }
            String kind = mine.key().getAlgorithm();
            return keyType.equals(kind) || kind.startsWith("Ed") && keyType.startsWith("Ed") ? ALIAS : null;
        }

        @Override
        public @Nullable String chooseEngineClientAlias(
                String[] keyTypes, Principal @Nullable [] issuers, SSLEngine engine) {
            return Arrays.stream(keyTypes)
                    .filter(type -> alias(type) != null)
                    .map(type -> ALIAS)
                    .findFirst()
                    .orElse(null);
        }

        @Override
        public @Nullable String chooseEngineServerAlias(
                String keyType, Principal @Nullable [] issuers, SSLEngine engine) {
            return alias(keyType);
        }

        @Override
        public X509Certificate @Nullable [] getCertificateChain(String alias) {
            return identity == null ? null : identity.chain().toArray(X509Certificate[]::new);
        }

        @Override
        public @Nullable PrivateKey getPrivateKey(String alias) {
            return identity == null ? null : identity.key();
        }

        @Override
        public String @Nullable [] getClientAliases(String keyType, Principal @Nullable [] issuers) {
            return null;
        }

        @Override
        public @Nullable String chooseClientAlias(
                String[] keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
            return null;
        }

        @Override
        public String @Nullable [] getServerAliases(String keyType, Principal @Nullable [] issuers) {
            return null;
        }

        @Override
        public @Nullable String chooseServerAlias(
                String keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
            return null;
        }
    }
}
