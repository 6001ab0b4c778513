package io.culvert.agent.hbone;

import io.culvert.agent.base.Loop;
import io.culvert.agent.base.Timer;
import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.protocol.hbone.ConnectRefusedException;
import io.culvert.protocol.hbone.ConnectRequest;
import io.culvert.protocol.hbone.ConnectResponse;
import io.culvert.protocol.hbone.HboneListener;
import io.culvert.protocol.hbone.HboneSession;
import io.culvert.protocol.hbone.HboneSettings;
import io.culvert.protocol.hbone.HboneStream;
import io.culvert.protocol.hbone.PeerSettings;
import io.culvert.protocol.hbone.RequestFault;
import io.culvert.protocol.hbone.frame.AbuseKind;
import io.culvert.protocol.hbone.frame.Http2Code;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One mTLS connection that carries CONNECT streams, in either role.
 *
 * <p>Frames of all streams gather in one batch per tick of the loop; the batch is encrypted and written once, at the end
 * of the tick or when it is full. Application bytes are read straight into the batch, behind room for their frame header.
 *
 * <p>Runs on: its loop. Owns: transport, session, streams, and the batch while it is not empty.
 *
 * <p>Bounds: streams by the session; the batch by one pooled buffer; handshake, preface and header blocks by a timeout; a
 * silent peer by PING.
 */
public final class Tunnel implements Transport.Events, HboneListener {
    private static final int FRAME_HEADER_BYTES = 9;
    /** Less room than this in the batch is not worth a frame. */
    private static final int FRAME_BYTES_MIN = 1_024;

    /**
     * How a tunnel behaves.
     *
     * @param session limits and windows
     * @param handshakeNanos how long the TLS handshake and the HTTP/2 preface may take together, and a header block
     * @param pingIntervalNanos from an answer to the next PING
     * @param pingTimeoutNanos how long its answer may take
     */
    public record Terms(HboneSettings session, long handshakeNanos, long pingIntervalNanos, long pingTimeoutNanos) {}

    private final Loop loop;
    private final Terms terms;
    private final TunnelListener listener;
    private final Transport transport;
    private final HboneSession session;
    private final Set<TunnelStream> streams = new LinkedHashSet<>();
    private final ArrayDeque<TunnelStream> waitingForTransport = new ArrayDeque<>();
    private final Runnable flushTask = this::flushAtEndOfTick;
    private final boolean server;
    private @Nullable ByteBuffer batch;
    private int batched;
    private boolean flushRequested;
    private boolean receiving;
    private boolean open;
    private boolean closed;
    private @Nullable Timer handshakeDeadline;
    private @Nullable Timer headerBlockDeadline;
    private @Nullable Timer nextPing;
    private long pingsSent;
    private long pongsSeen;
    private @Nullable TunnelFailure closeWith;

    private Tunnel(Loop loop, Transport transport, Terms terms, boolean server, TunnelListener listener) {
        this.loop = loop;
        this.terms = terms;
        this.server = server;
        this.listener = listener;
        this.transport = transport;
        this.session = server ? HboneSession.server(terms.session(), this) : HboneSession.client(terms.session(), this);
    }

    /** The accepting side. */
    public static Tunnel server(Loop loop, Transport transport, Terms terms, TunnelListener listener) {
        return new Tunnel(loop, transport, terms, true, listener);
    }

    /** The opening side. */
    public static Tunnel client(Loop loop, Transport transport, Terms terms, TunnelListener listener) {
        return new Tunnel(loop, transport, terms, false, listener);
    }

    /** Begins the handshake. */
    public void start() {
        handshakeDeadline = loop.schedule(this::handshakeTimedOut, terms.handshakeNanos());
        transport.start(this);
    }

    private void handshakeTimedOut() {
        String late = open ? "the HTTP/2 preface did not come in time" : "the TLS handshake took too long";
        close(
                new TunnelFailure(CloseReason.HANDSHAKE_TIMEOUT, late, BadPeer.HANDSHAKE_TIMEOUT),
                Http2Code.SETTINGS_TIMEOUT);
    }

    Loop loop() {
        return loop;
    }

    HboneSession session() {
        return session;
    }

    public boolean isOpen() {
        return open && !closed;
    }

    public boolean isClosed() {
        return closed;
    }

    /** Streams open now. */
    public int streams() {
        return streams.size();
    }

    /** Client: whether one more stream may be opened, within our own limit. */
    public boolean canOpen(int streamsMax) {
        return isOpen() && session.canOpen() && streams.size() < streamsMax;
    }

    /** Client: asks for a stream; {@link #canOpen} must hold. */
    public TunnelStream connect(ConnectRequest request, TunnelStream.Opening opening) throws ConnectRefusedException {
        HboneStream opened = session.connect(request);
        TunnelStream stream = new TunnelStream(this, opened, opening);
        opened.attach(stream);
        streams.add(stream);
        requestFlush();
        return stream;
    }

    /** Server: lets the peer open no more streams; the tunnel closes when the last one has ended. */
    public void drain() {
        if (!open) {
            close(CloseReason.DRAINED, "the tunnel was drained");
        } else if (!closed) {
            session.goAway(Http2Code.NO_ERROR, true);
            requestFlush();
            closeIfDrained();
        }
    }

    /** Closes with GOAWAY; every stream is lost. */
    public void close(CloseReason reason, String detail) {
        close(new TunnelFailure(reason, detail, null));
    }

    private void close(TunnelFailure failure) {
        close(failure, Http2Code.NO_ERROR);
    }

    private void close(TunnelFailure failure, int code) {
        if (closed) {
            return;
        }
        if (receiving) {
            // Within the session's own call: that must return first.
            closeWith = failure;
            return;
        }
        if (open && !transport.isClosed()) {
            session.goAway(code, false);
            flush();
        }
        transport.close();
        closed(failure);
    }

    private void closed(TunnelFailure failure) {
        if (closed) {
            return;
        }
        closed = true;
        cancel(handshakeDeadline);
        cancel(headerBlockDeadline);
        cancel(nextPing);
        releaseBatch();
        for (TunnelStream stream : List.copyOf(streams)) {
            stream.lost(failure.reason(), failure.detail());
        }
        listener.onTunnelClosed(failure.reason(), failure.detail(), failure.badPeer());
    }

    private static void cancel(@Nullable Timer timer) {
        if (timer != null) {
            timer.cancel();
        }
    }

    void forget(TunnelStream stream) {
        if (streams.remove(stream) && !closed) {
            if (session.isDraining() && streams.isEmpty()) {
                loop.execute(this::closeIfDrained);
            } else {
                listener.onTunnelRoom();
            }
        }
    }

    private void closeIfDrained() {
        if (!closed && session.isDraining() && streams.isEmpty() && session.openStreams() == 0) {
            flush();
            close(CloseReason.DRAINED, "the tunnel was drained");
        }
    }

    // ---- sending ----------------------------------------------------------------------------------------------------

    /** Where the stream's next bytes may be read to; null when flow control or the transport blocks it. */
    @Nullable
    ByteBuffer room(TunnelStream stream) {
        if (closed || !drainControl()) {
            waitForTransport(stream);
            return null;
        }
        int sendable = session.sendable(stream.stream());
        if (sendable == 0) {
            return null;
        }
        ByteBuffer into = batch();
        if (into.capacity() - batched < FRAME_HEADER_BYTES + FRAME_BYTES_MIN) {
            flush();
            if (transport.isBlocked() || closed) {
                waitForTransport(stream);
                return null;
            }
            into = batch();
        }
        int from = batched + FRAME_HEADER_BYTES;
        return into.limit(Math.min(into.capacity(), from + sendable)).position(from);
    }

    private void waitForTransport(TunnelStream stream) {
        if (!stream.waitsForTunnel) {
            stream.waitsForTunnel = true;
            waitingForTransport.addLast(stream);
        }
    }

    /** {@code count} bytes of the stream lie in the batch, behind room for their header. */
    void sent(TunnelStream stream, int count) {
        ByteBuffer filled = batch();
        filled.clear().position(batched);
        session.dataHeader(stream.stream(), count, false, filled);
        batched += FRAME_HEADER_BYTES + count;
        requestFlush();
    }

    private ByteBuffer batch() {
        ByteBuffer held = batch;
        if (held == null) {
            held = loop.buffers().borrowForTick();
            batch = held;
            batched = 0;
        }
        return held;
    }

    /** Moves the session's own frames into the batch, so that order is kept; false when the transport blocks. */
    private boolean drainControl() {
        while (session.pendingOutput() > 0) {
            ByteBuffer into = batch();
            if (batched == into.capacity()) {
                flush();
                if (transport.isBlocked() || closed) {
                    return false;
                }
                into = batch();
            }
            into.clear().position(batched);
            session.drainOutput(into);
            batched = into.position();
        }
        return !transport.isBlocked();
    }

    /** Has what is batched written at the end of this tick. */
    void requestFlush() {
        if (!flushRequested && !closed) {
            flushRequested = true;
            loop.execute(flushTask);
        }
    }

    private void flushAtEndOfTick() {
        flushRequested = false;
        if (!closed && open) {
            flush();
        }
    }

    /** Writes the batch and the session's frames, unless the transport is blocked: then they stay. */
    private void flush() {
        do {
            if (transport.isBlocked() || transport.isClosed()) {
                return;
            }
            ByteBuffer full = batch;
            if (full != null && batched > 0) {
                full.clear().limit(batched);
                batched = 0;
                transport.write(full);
            }
            fillWithControl();
        } while (batched > 0);
        releaseBatch();
    }

    private void fillWithControl() {
        if (session.pendingOutput() > 0 && !closed) {
            ByteBuffer into = batch();
            into.clear().position(batched);
            session.drainOutput(into);
            batched = into.position();
        }
    }

    private void releaseBatch() {
        ByteBuffer held = batch;
        if (held != null) {
            batch = null;
            batched = 0;
            loop.buffers().giveBackForTick(held);
        }
    }

    @Override
    public void onUnblocked() {
        flush();
        for (int left = waitingForTransport.size(); left > 0 && !transport.isBlocked(); left--) {
            TunnelStream stream = waitingForTransport.removeFirst();
            stream.waitsForTunnel = false;
            stream.onRoom();
        }
    }

    // ---- receiving --------------------------------------------------------------------------------------------------

    @Override
    public void onSecured() {
        open = true;
        nextPing = loop.schedule(this::ping, terms.pingIntervalNanos());
        listener.onTunnelOpen(transport.peer());
        requestFlush();
    }

    @Override
    public void onPlain(ByteBuffer in) {
        receiving = true;
        try {
            session.receive(in, loop.nanoTime());
        } finally {
            receiving = false;
        }
        boundHeaderBlock();
        TunnelFailure failure = closeWith;
        if (failure != null && !closed) {
            flush();
            close(failure);
        } else if (session.pendingOutput() > 0) {
            requestFlush();
        }
    }

    /** The session has no clock: a header block that is left open would keep everything behind it from being read. */
    private void boundHeaderBlock() {
        if (!session.insideHeaderBlock()) {
            cancel(headerBlockDeadline);
            headerBlockDeadline = null;
        } else if (headerBlockDeadline == null && !closed) {
            headerBlockDeadline = loop.schedule(this::headerBlockTimedOut, terms.handshakeNanos());
        }
    }

    private void headerBlockTimedOut() {
        close(
                new TunnelFailure(
                        CloseReason.H2_FAILED, "a header block was not finished in time", BadPeer.HTTP2_PROTOCOL),
                Http2Code.ENHANCE_YOUR_CALM);
    }

    @Override
    public void onTransportClosed(Transport.Failure failure, @Nullable Throwable cause) {
        closed(TunnelFailure.of(failure, cause, open));
    }

    @Override
    public void onConnect(HboneStream opened, ConnectRequest request) {
        TunnelStream stream = new TunnelStream(this, opened, null);
        opened.attach(stream);
        streams.add(stream);
        listener.onTunnelConnect(stream, request);
    }

    @Override
    public void onMalformedRequest(HboneStream refused, RequestFault fault) {
        session.refuse(refused, fault.status());
        listener.onTunnelMalformed(fault);
    }

    @Override
    public void onResponse(HboneStream answered, ConnectResponse response) {
        if (answered.attachment() instanceof TunnelStream stream) {
            stream.onResponse(response);
        }
    }

    @Override
    public void onData(HboneStream carrying, ByteBuffer in, int length) {
        if (carrying.attachment() instanceof TunnelStream stream) {
            stream.onData(in, length);
        } else {
            session.consumed(carrying, length);
        }
    }

    @Override
    public void onEnd(HboneStream ended) {
        if (ended.attachment() instanceof TunnelStream stream) {
            stream.onEnd();
        }
    }

    @Override
    public void onReset(HboneStream reset, int code) {
        if (reset.attachment() instanceof TunnelStream stream) {
            stream.onReset(code);
        }
    }

    @Override
    public void onSendable(HboneStream unblocked) {
        if (unblocked.attachment() instanceof TunnelStream stream) {
            stream.onRoom();
        }
    }

    @Override
    public void onGoAway(int lastStreamId, int code, String debugText) {
        listener.onTunnelRoom();
        if (streams.isEmpty()) {
            close(CloseReason.DRAINED, "the tunnel was drained");
        }
    }

    @Override
    public void onPeerSettings(PeerSettings settings) {
        cancel(handshakeDeadline);
        listener.onTunnelRoom();
    }

    @Override
    public void onConnectionError(int code, String detail, @Nullable AbuseKind abuse) {
        close(TunnelFailure.ofSession(code, detail, abuse));
    }

    // ---- keepalive --------------------------------------------------------------------------------------------------

    private void ping() {
        if (closed) {
            return;
        }
        pingsSent++;
        session.ping(pingsSent);
        requestFlush();
        long awaited = pingsSent;
        nextPing = loop.schedule(() -> afterPing(awaited), terms.pingTimeoutNanos());
    }

    private void afterPing(long awaited) {
        if (!closed && pongsSeen < awaited) {
            close(new TunnelFailure(CloseReason.TUNNEL_LOST, "the peer did not answer a PING", BadPeer.UNRESPONSIVE));
        }
    }

    @Override
    public void onPong(long opaque) {
        // Any other number is not an answer to what was asked, and must not pass for a later one.
        if (opaque == pingsSent) {
            pongsSeen = opaque;
            cancel(nextPing);
            nextPing = loop.schedule(this::ping, terms.pingIntervalNanos());
        }
    }

    @Override
    public String toString() {
        return (server ? "server" : "client") + " tunnel with " + streams.size() + " streams";
    }
}
