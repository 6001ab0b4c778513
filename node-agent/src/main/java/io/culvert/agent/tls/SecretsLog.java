package io.culvert.agent.tls;

import io.netty.handler.ssl.ReferenceCountedOpenSslContext;
import io.netty.handler.ssl.ReferenceCountedOpenSslEngine;
import io.netty.handler.ssl.SslContext;
import io.netty.internal.tcnative.KeyLogCallback;
import io.netty.internal.tcnative.SSLContext;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;

/**
 * The traffic secrets that handshakes agree on, which the library tells nobody but a key log: kept in memory for the engines that
 * were announced, from their handshake until they are {@link #take taken} or {@link #forget forgotten}, and written nowhere.
 *
 * <p>Runs on: any; the library tells of an engine on the thread that uses it. Bounds: two secrets for each engine announced.
 *
 * <p>Source: RFC 9850 (the format), RFC 8446 section 7.1.
 */
public final class SecretsLog implements KeyLogCallback {
    private static final byte[] CLIENT = "CLIENT_TRAFFIC_SECRET_0 ".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] SERVER = "SERVER_TRAFFIC_SECRET_0 ".getBytes(StandardCharsets.US_ASCII);
    private static final int SECRET_HEX_MAX = 2 * 64;

    /** Where a context keeps what the library's functions take; its public methods answer another pointer. */
    private static final VarHandle CONTEXT = context();

    /** What one handshake agreed on. */
    public static final class Agreed {
        private byte @Nullable [] client;
        private byte @Nullable [] server;

        /** Of what the client sends, for the caller to overwrite; null when there is none. */
        public byte @Nullable [] client() {
            return client;
        }

        /** Of what the server sends; likewise. */
        public byte @Nullable [] server() {
            return server;
        }

        private void wipe() {
            wipe(client);
            wipe(server);
        }

        private static void wipe(byte @Nullable [] secret) {
            if (secret != null) {
                Arrays.fill(secret, (byte) 0);
            }
        }
    }

    private final Map<Long, Agreed> engines = new ConcurrentHashMap<>();

    private SecretsLog() {}

    /** The log of contexts of the native library. */
    public static SecretsLog of(SslContext... contexts) {
        SecretsLog log = new SecretsLog();
        for (SslContext context : contexts) {
            if (!SSLContext.setKeyLogCallback((long) CONTEXT.get(context), log)) {
                throw new IllegalStateException("the TLS library takes no key log");
            }
        }
        return log;
    }

    private static VarHandle context() {
        try {
            return MethodHandles.privateLookupIn(ReferenceCountedOpenSslContext.class, MethodHandles.lookup())
                    .findVarHandle(ReferenceCountedOpenSslContext.class, "ctx", long.class);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("this version of the TLS library's binding is not known", e);
        }
    }

    private static long pointer(SSLEngine engine) {
        return ((ReferenceCountedOpenSslEngine) engine).sslPointer();
    }

    /** Has the secrets of an engine kept, whose handshake has not begun. */
    public void announce(SSLEngine engine) {
        engines.put(pointer(engine), new Agreed());
    }

    /** What an engine's handshake agreed on, once; null when it was not announced. */
    public @Nullable Agreed take(SSLEngine engine) {
        return engines.remove(pointer(engine));
    }

    /** Overwrites what is kept of an engine, before it is released. */
    public void forget(SSLEngine engine) {
        Agreed untaken = engines.remove(pointer(engine));
        if (untaken != null) {
            untaken.wipe();
        }
    }

    /** How many engines something is kept of. */
    public int size() {
        return engines.size();
    }

    @Override
    public void handle(long ssl, byte[] line) {
        Agreed agreed = engines.get(ssl);
        if (agreed != null) {
            byte[] client = secret(line, CLIENT);
            byte[] server = client == null ? secret(line, SERVER) : null;
            if (client != null) {
                agreed.client = client;
            } else if (server != null) {
                agreed.server = server;
            }
        }
        Arrays.fill(line, (byte) 0);
    }

    /** The secret at the end of a line that begins with this label. */
    private static byte @Nullable [] secret(byte[] line, byte[] label) {
        if (line.length <= label.length || !Arrays.equals(line, 0, label.length, label, 0, label.length)) {
            return null;
        }
        int from = label.length;
        while (from < line.length && line[from] != ' ') {
            from++;
        }
        int digits = line.length - from - 1;
        if (digits <= 0 || digits > SECRET_HEX_MAX || digits % 2 != 0) {
            return null;
        }
        byte[] secret = new byte[digits / 2];
        for (int i = 0; i < secret.length; i++) {
            int at = from + 1 + 2 * i;
            secret[i] = (byte) (HexFormat.fromHexDigit(line[at]) << 4 | HexFormat.fromHexDigit(line[at + 1]));
        }
        return secret;
    }
}
