package io.culvert.agent.certs;

import io.culvert.agent.tls.Hello;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.List;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** A client's engine and a server's that talk to each other in memory; what either sends is kept. */
final class EnginePair {
    private static final int WIRE_BYTES = 256 * 1024;
    private static final int LAST_WORDS_MAX = 4;

    final End client;
    final End server;

    /** One side. */
    static final class End {
        private final SSLEngine engine;
        private final ByteBuffer in = ByteBuffer.allocateDirect(WIRE_BYTES);
        private final ByteArrayOutputStream sent = new ByteArrayOutputStream();
        private final ByteArrayOutputStream plain = new ByteArrayOutputStream();
        private @Nullable SSLException fault;

        private End(SSLEngine engine) {
            this.engine = engine;
        }

        SSLEngine engine() {
            return engine;
        }

        /** What this side found wrong; empty when nothing. */
        String fault() {
            SSLException found = fault;
            if (found == null) {
                return "";
            }
            Throwable root = found;
            while (root.getCause() != null) {
                root = root.getCause();
            }
            return String.valueOf(root.getMessage());
        }

        boolean isReady() {
            return fault == null && engine.getHandshakeStatus() == HandshakeStatus.NOT_HANDSHAKING;
        }

        /** What it has received, decrypted. */
        byte[] received() {
            return plain.toByteArray();
        }

        /** Every byte that it has sent. */
        byte[] sent() {
            return sent.toByteArray();
        }

        List<Hello> hellos() {
            return Hello.find(sent());
        }
    }

    EnginePair(SSLEngine client, SSLEngine server) {
        this.client = new End(client);
        this.server = new End(server);
    }

    /** Lets both talk until neither has anything to say. */
    EnginePair shakeHands() {
        try {
            client.engine.beginHandshake();
            server.engine.beginHandshake();
        } catch (SSLException e) {
            throw new IllegalStateException(e);
        }
        return settle();
    }

    EnginePair settle() {
        boolean moved = true;
        while (moved) {
            moved = step(client, server);
            moved |= step(server, client);
        }
        return this;
    }

    private static boolean step(End end, End other) {
        if (end.fault != null) {
            return false;
        }
        HandshakeStatus before = end.engine.getHandshakeStatus();
        try {
            boolean moved = switch (before) {
                case NEED_TASK -> runTasks(end.engine);
                case NEED_WRAP -> wrap(end, other, ByteBuffer.allocateDirect(0));
                case NEED_UNWRAP, NEED_UNWRAP_AGAIN, NOT_HANDSHAKING, FINISHED -> unwrap(end, other);
            };
            return moved || end.engine.getHandshakeStatus() != before;
        } catch (SSLException e) {
            end.fault = e;
            sayWhy(end, other);
            return true;
        }
    }

    /** The alert that says what is wrong. */
    private static void sayWhy(End end, End other) {
        for (int i = 0; i < LAST_WORDS_MAX; i++) {
            try {
                if (!wrap(end, other, ByteBuffer.allocateDirect(0))) {
                    return;
                }
            } catch (SSLException known) {
                return;
            }
        }
    }

    private static boolean runTasks(SSLEngine engine) {
        for (Runnable task = engine.getDelegatedTask(); task != null; task = engine.getDelegatedTask()) {
            task.run();
        }
        return true;
    }

    private static boolean wrap(End end, End other, ByteBuffer plain) throws SSLException {
        ByteBuffer out = ByteBuffer.allocateDirect(64 * 1024);
        SSLEngineResult _ = end.engine.wrap(plain, out);
        out.flip();
        byte[] bytes = new byte[out.remaining()];
        out.get(bytes);
        end.sent.writeBytes(bytes);
        if (!other.engine.isInboundDone() && other.fault == null) {
            other.in.put(bytes);
        }
        return bytes.length > 0;
    }

    private static boolean unwrap(End end, End other) throws SSLException {
        ByteBuffer plain = ByteBuffer.allocateDirect(64 * 1024);
        end.in.flip();
        try {
            SSLEngineResult result = end.engine.unwrap(end.in, plain);
            plain.flip();
            byte[] bytes = new byte[plain.remaining()];
            plain.get(bytes);
            end.plain.writeBytes(bytes);
            if (result.getHandshakeStatus() == HandshakeStatus.NEED_WRAP) {
                // An alert, of which the engine itself says no more once the handshake is over.
                boolean _ = wrap(end, other, ByteBuffer.allocateDirect(0));
            }
            return result.bytesConsumed() > 0 || result.bytesProduced() > 0;
        } finally {
            end.in.compact();
        }
    }

    /** Has one side send this, in records, and the other take it. */
    void carry(End from, byte[] bytes) throws SSLException {
        End to = from == client ? server : client;
        ByteBuffer plain = ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
        while (plain.hasRemaining()) {
            int before = plain.remaining();
            boolean _ = wrap(from, to, plain);
            if (plain.remaining() == before) {
                throw new IllegalStateException("the engine takes nothing");
            }
            settle();
        }
    }

    /** Has one side say good-bye. */
    void close(End from) throws SSLException {
        from.engine.closeOutbound();
        boolean _ = wrap(from, from == client ? server : client, ByteBuffer.allocateDirect(0));
        settle();
    }
}
