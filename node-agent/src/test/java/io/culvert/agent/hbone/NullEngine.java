package io.culvert.agent.hbone;

import io.culvert.agent.certs.TlsMaterial;
import io.culvert.protocol.identity.SpiffeId;
import io.netty.util.AbstractReferenceCounted;
import io.netty.util.ReferenceCounted;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.cert.Certificate;
import java.util.List;
import java.util.function.Function;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLEngineResult.Status;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * An engine with records, a handshake, alerts and a good-bye like TLS, and no cryptography: each side says who it is, and is
 * believed. A record is a type, a length of four octets, and the payload.
 */
final class NullEngine extends SSLEngine implements ReferenceCounted {
    private static final int HEADER_BYTES = 5;
    private static final int PAYLOAD_BYTES_MAX = 16_384;
    private static final byte HELLO = 1;
    private static final byte DATA = 2;
    private static final byte CLOSE = 3;
    private static final byte ALERT = 4;
    /** As large as a real handshake's flight, so that it comes in parts. */
    private static final int HELLO_BYTES = 1_500;

    private final AbstractReferenceCounted references = new AbstractReferenceCounted() {
        @Override
        protected void deallocate() {}

        @Override
        public ReferenceCounted touch(Object hint) {
            return this;
        }
    };
    private final TlsMaterial own;
    private final boolean client;
    private final List<SpiffeId> expected;
    private final Function<String, @Nullable TlsMaterial> known;
    private @Nullable TlsMaterial peer;
    private boolean helloSent;
    private boolean helloRead;
    private boolean finished;
    private boolean alertWanted;
    private boolean outboundDone;
    private boolean inboundDone;
    private boolean closeSent;
    /** Records made and read since the handshake. */
    private long sent;

    private long received;

    NullEngine(
            TlsMaterial own, boolean client, List<SpiffeId> expected, Function<String, @Nullable TlsMaterial> known) {
        this.own = own;
        this.client = client;
        this.expected = expected;
        this.known = known;
    }

    long sent() {
        return sent;
    }

    long received() {
        return received;
    }

    private void requireAlive() {
        if (references.refCnt() == 0) {
            throw new IllegalStateException("the engine was released");
        }
    }

    @Override
    public SSLEngineResult wrap(ByteBuffer[] sources, int offset, int length, ByteBuffer to) {
        requireAlive();
        if (to.remaining() < HEADER_BYTES + PAYLOAD_BYTES_MAX) {
            return result(Status.BUFFER_OVERFLOW, 0, 0);
        }
        int start = to.position();
        if (alertWanted) {
            alertWanted = false;
            outboundDone = true;
            record(to, ALERT, 0);
            return result(Status.CLOSED, 0, to.position() - start);
        }
        if (outboundDone) {
            if (closeSent) {
                return result(Status.CLOSED, 0, 0);
            }
            closeSent = true;
            record(to, CLOSE, 0);
            return result(Status.CLOSED, 0, to.position() - start);
        }
        if (!helloSent && (client || helloRead)) {
            helloSent = true;
            record(to, HELLO, HELLO_BYTES);
            byte[] id = own.id().uri().getBytes(StandardCharsets.UTF_8);
            to.put(to.position(), id).put(to.position() + id.length, (byte) 0);
            to.position(to.position() + HELLO_BYTES);
            return result(Status.OK, 0, to.position() - start);
        }
        ByteBuffer source = sources[offset];
        int count = Math.min(source.remaining(), PAYLOAD_BYTES_MAX);
        if (count > 0) {
            sent++;
            record(to, DATA, count);
            to.put(to.position(), source, source.position(), count);
            source.position(source.position() + count);
            to.position(to.position() + count);
        }
        return result(Status.OK, count, to.position() - start);
    }

    private static void record(ByteBuffer to, byte type, int length) {
        to.put(type).putInt(length);
    }

    @Override
    public SSLEngineResult unwrap(ByteBuffer from, ByteBuffer[] targets, int offset, int length) throws SSLException {
        requireAlive();
        if (inboundDone) {
            return result(Status.CLOSED, 0, 0);
        }
        if (from.remaining() < HEADER_BYTES) {
            return result(Status.BUFFER_UNDERFLOW, 0, 0);
        }
        byte type = from.get(from.position());
        int bytes = from.getInt(from.position() + 1);
        if (bytes < 0 || bytes > PAYLOAD_BYTES_MAX) {
            throw new SSLException("a record of " + bytes + " octets");
        }
        if (from.remaining() < HEADER_BYTES + bytes) {
            return result(Status.BUFFER_UNDERFLOW, 0, 0);
        }
        ByteBuffer payload = from.slice(from.position() + HEADER_BYTES, bytes);
        from.position(from.position() + HEADER_BYTES + bytes);
        return switch (type) {
            case HELLO -> hello(payload, bytes);
            case DATA -> data(payload, bytes, targets[offset]);
            case CLOSE -> {
                inboundDone = true;
                outboundDone = true;
                yield result(Status.CLOSED, HEADER_BYTES, 0);
            }
            default -> throw new SSLException("alert received");
        };
    }

    private SSLEngineResult data(ByteBuffer payload, int bytes, ByteBuffer to) throws SSLException {
        if (!helloRead || !helloSent) {
            throw refused("data before the handshake");
        }
        if (to.remaining() < PAYLOAD_BYTES_MAX) {
            throw new IllegalStateException("no room for a record");
        }
        to.put(payload);
        received++;
        return result(Status.OK, HEADER_BYTES + bytes, bytes);
    }

    private SSLEngineResult hello(ByteBuffer payload, int bytes) throws SSLException {
        int length = 0;
        while (payload.get(length) != 0) {
            length++;
        }
        byte[] id = new byte[length];
        payload.get(0, id);
        TlsMaterial claimed = known.apply(new String(id, StandardCharsets.UTF_8));
        if (claimed == null) {
            throw refused("nobody knows this identity");
        }
        if (client && !expected.contains(claimed.id())) {
            throw refused("wrong identity");
        }
        peer = claimed;
        helloRead = true;
        return result(Status.OK, HEADER_BYTES + bytes, 0);
    }

    private SSLException refused(String why) {
        alertWanted = true;
        return new SSLException(why);
    }

    private SSLEngineResult result(Status status, int consumed, int produced) {
        boolean finishes = helloSent && helloRead && !finished && !outboundDone && !alertWanted;
        finished |= finishes;
        HandshakeStatus handshake = finishes ? HandshakeStatus.FINISHED : getHandshakeStatus();
        return new SSLEngineResult(status, handshake, consumed, produced);
    }

    @Override
    public HandshakeStatus getHandshakeStatus() {
        requireAlive();
        boolean handshaken = helloSent && helloRead;
        // As OpenSSL's: once the handshake is over its good-bye is there for whoever calls, and nobody is asked to.
        if (alertWanted || outboundDone && !closeSent && !inboundDone && !handshaken) {
            return HandshakeStatus.NEED_WRAP;
        }
        if (outboundDone) {
            return HandshakeStatus.NOT_HANDSHAKING;
        }
        if (!helloSent && (client || helloRead)) {
            return HandshakeStatus.NEED_WRAP;
        }
        return helloRead ? HandshakeStatus.NOT_HANDSHAKING : HandshakeStatus.NEED_UNWRAP;
    }

    @Override
    public SSLSession getSession() {
        requireAlive();
        Certificate[] chain = peer == null ? new Certificate[0] : peer.chain().toArray(Certificate[]::new);
        return (SSLSession) Proxy.newProxyInstance(
                NullEngine.class.getClassLoader(), new Class<?>[] {SSLSession.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("getPeerCertificates")) {
                        return chain;
                    }
                    throw new UnsupportedOperationException(method.getName());
                });
    }

    @Override
    public void closeOutbound() {
        requireAlive();
        outboundDone = true;
    }

    @Override
    public String getApplicationProtocol() {
        return "h2";
    }

    @Override
    public void beginHandshake() {
        requireAlive();
    }

    @Override
    public boolean isOutboundDone() {
        return outboundDone;
    }

    @Override
    public boolean isInboundDone() {
        return inboundDone;
    }

    @Override
    public void closeInbound() {
        inboundDone = true;
    }

    @Override
    public int refCnt() {
        return references.refCnt();
    }

    @Override
    public ReferenceCounted retain() {
        throw new UnsupportedOperationException();
    }

    @Override
    public ReferenceCounted retain(int increment) {
        throw new UnsupportedOperationException();
    }

    @Override
    public ReferenceCounted touch() {
        return this;
    }

    @Override
    public ReferenceCounted touch(Object hint) {
        return this;
    }

    @Override
    public boolean release() {
        return references.release();
    }

    @Override
    public boolean release(int decrement) {
        return references.release(decrement);
    }

    @Override
    public @Nullable Runnable getDelegatedTask() {
        return null;
    }

    @Override
    public String[] getSupportedCipherSuites() {
        return new String[0];
    }

    @Override
    public String[] getEnabledCipherSuites() {
        return new String[0];
    }

    @Override
    public void setEnabledCipherSuites(String[] suites) {
        throw new UnsupportedOperationException();
    }

    @Override
    public String[] getSupportedProtocols() {
        return new String[0];
    }

    @Override
    public String[] getEnabledProtocols() {
        return new String[0];
    }

    @Override
    public void setEnabledProtocols(String[] protocols) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void setUseClientMode(boolean mode) {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean getUseClientMode() {
        return client;
    }

    @Override
    public void setNeedClientAuth(boolean need) {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean getNeedClientAuth() {
        return !client;
    }

    @Override
    public void setWantClientAuth(boolean want) {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean getWantClientAuth() {
        return false;
    }

    @Override
    public void setEnableSessionCreation(boolean flag) {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean getEnableSessionCreation() {
        return true;
    }
}
