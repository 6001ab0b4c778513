package io.culvert.agent.hbone;

import io.culvert.agent.base.BufferPool;
import io.culvert.agent.base.Loop;
import io.culvert.agent.certs.PeerRejectedException;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.protocol.hbone.ConnectRefusedException;
import io.culvert.protocol.hbone.ConnectRequest;
import io.culvert.protocol.hbone.HboneSession;
import io.culvert.protocol.hbone.HboneSettings;
import io.culvert.protocol.hbone.HboneStream;
import io.culvert.protocol.hbone.ResetBudget;
import io.culvert.protocol.hbone.frame.Http2Code;
import io.culvert.protocol.identity.PeerIdentity;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One mTLS connection that carries CONNECT streams, in either role.
 *
 * <p>Runs on: its loop. Owns: transport, session, streams, and what waits to be sent, {@link TunnelOutput}.
 *
 * <p>Bounds: streams by the session; the peer's time by {@link TunnelWatch}; a client's resets of unused streams by {@link
 * ResetBudget}.
 */
public final class Tunnel implements Transport.Events {
    private static final System.Logger LOG = System.getLogger(Tunnel.class.getName());
    /** More control frames than this are not left to gather until the end of the tick. */
    private static final int CONTROL_BYTES_MAX = 16 * 1_024;

    /**
     * How a tunnel behaves.
     *
     * @param session limits and windows
     * @param handshakeNanos how long the TLS handshake and the HTTP/2 preface may take together, and a header block
     * @param pingIntervalNanos from an answer to the next PING
     * @param pingTimeoutNanos how long its answer may take
     * @param idleNanos server: how long a tunnel without streams is kept; looked at with each PING
     */
    public record Terms(
            HboneSettings session,
            long handshakeNanos,
            long pingIntervalNanos,
            long pingTimeoutNanos,
            long idleNanos) {}

    private final Loop loop;
    private final Terms terms;
    private final TunnelListener listener;
    private final Transport transport;
    private final HboneSession session;
    private final Set<TunnelStream> streams = new LinkedHashSet<>();
    private final ArrayDeque<TunnelStream> waitingForTransport = new ArrayDeque<>();
    private final Runnable flushTask = this::flushAtEndOfTick;
    private final boolean server;
    private final TunnelOutput output;
    private final TunnelWatch watch;
    private final ResetBudget resets;
    private final TunnelLoad load;
    private boolean flushRequested;
    private boolean receiving;
    private boolean open;
    private boolean closed;
    private boolean peerLeft;
    private boolean settled;
    private boolean recheckWhenOpen;
    private long emptySinceNanos;
    private @Nullable TunnelFailure closeWith;
    private @Nullable TunnelFailure endWith;

    private Tunnel(Loop loop, Transport transport, Terms terms, boolean server, TunnelListener listener) {
        this.loop = loop;
        this.terms = terms;
        this.server = server;
        this.listener = listener;
        this.transport = transport;
        this.emptySinceNanos = loop.nanoTime();
        this.resets = new ResetBudget(emptySinceNanos);
        this.load = new TunnelLoad(loop);
        SessionEvents events = new SessionEvents(this);
        this.session =
                server ? HboneSession.server(terms.session(), events) : HboneSession.client(terms.session(), events);
        this.output = new TunnelOutput(loop, session, transport, this::requestFlush, this::onBuffers);
        this.watch = new TunnelWatch(loop, this, terms);
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
        watch.begin();
        transport.start(this);
    }

    Loop loop() {
        return loop;
    }

    Terms terms() {
        return terms;
    }

    /** {@link Transport#wasStarved}. */
    boolean wasStarved() {
        return transport.wasStarved();
    }

    HboneSession session() {
        return session;
    }

    TunnelLoad load() {
        return load;
    }

    public boolean isOpen() {
        return open && !closed;
    }

    public boolean isClosed() {
        return closed;
    }

    /** Closed, with all that its streams had to say handed to the kernel; or by a client that had said it would go. */
    boolean isSettled() {
        return settled;
    }

    /** Closed, and by the peer. */
    boolean isPeerLeft() {
        return peerLeft;
    }

    /** Who its end proved to be; to be asked once it is open. */
    public PeerIdentity peer() {
        return transport.peer();
    }

    /** Streams open now. */
    public int streams() {
        return streams.size();
    }

    /** Without streams, and all that was said in them is with the kernel: closing it loses nothing. */
    public boolean isIdle() {
        return isOpen() && streams.isEmpty() && output.isEmpty() && !transport.isBlocked();
    }

    /** For how long it has had no streams; 0 while it has some. */
    public long idleNanos() {
        return streams.isEmpty() ? loop.nanoTime() - emptySinceNanos : 0;
    }

    /** Client: whether one more stream may be opened, within our own limit. */
    public boolean canOpen(int streamsMax) {
        return hasRoom(streamsMax) && budgetRestNanos() == 0;
    }

    private boolean hasRoom(int streamsMax) {
        return isOpen() && endWith == null && session.canOpen() && streams.size() < streamsMax;
    }

    /** Client: for how long it opens no stream although it has room, lest its peer take it for an attacker; 0 otherwise. */
    long restNanos(int streamsMax) {
        return hasRoom(streamsMax) ? budgetRestNanos() : 0;
    }

    private long budgetRestNanos() {
        long now = loop.nanoTime();
        resets.spend(session.unusedResets(), now);
        return resets.restNanos(now);
    }

    /** Client: the peer has not even looked at a stream. */
    void refusedUnseen() {
        resets.refused(loop.nanoTime());
    }

    /** Client: asks for a stream; {@link #canOpen} must hold. */
    public TunnelStream connect(ConnectRequest request, TunnelStream.Opening opening) throws ConnectRefusedException {
        HboneStream opened = session.connect(request);
        TunnelStream stream = new TunnelStream(this, opened, opening);
        opened.attach(stream);
        streams.add(stream);
        if (session.pendingOutput() > CONTROL_BYTES_MAX) {
            output.flush();
        } else {
            requestFlush();
        }
        return stream;
    }

    /** Server: lets the peer open no more streams; the tunnel closes when the last one has ended. */
    public void drain() {
        if (!open) {
            close(CloseReason.DRAINED, "the tunnel was drained");
        } else if (!closed) {
            session.goAway(Http2Code.NO_ERROR, true);
            requestFlush();
        }
    }

    /** Closes once all that was written is on its way; streams are not taken any more, and there should be none. */
    public void end(CloseReason reason, String detail) {
        if (!closed && endWith == null) {
            endWith = new TunnelFailure(reason, detail, null);
            session.goAway(Http2Code.NO_ERROR, false);
            requestFlush();
        }
    }

    /** Closes with GOAWAY; every stream is lost. */
    public void close(CloseReason reason, String detail) {
        close(new TunnelFailure(reason, detail, null));
    }

    /** Closes with a GOAWAY that tells the peer to ask for less; every stream is lost. */
    public void refuse(CloseReason reason, String detail) {
        close(new TunnelFailure(reason, detail, null), Http2Code.ENHANCE_YOUR_CALM);
    }

    void close(TunnelFailure failure) {
        close(failure, Http2Code.NO_ERROR);
    }

    /** Closes with GOAWAY of this code; every stream is lost. */
    void close(TunnelFailure failure, int code) {
        if (closed) {
            return;
        }
        if (receiving) {
            // Within the session's own call: that must return first.
            closeWith = failure;
            return;
        }
        closeWith = failure;
        if (open && !transport.isClosed()) {
            session.goAway(code, false);
            output.flush();
        }
        // Only if the flush did not find out that there is nobody any more.
        if (!closed) {
            transport.close();
            closed(failure);
        }
    }

    private void closed(TunnelFailure failure) {
        if (closed) {
            return;
        }
        closed = true;
        settled = peerLeft && server && session.isDraining() || output.isEmpty() && !transport.isBlocked();
        watch.end();
        output.close();
        session.abandon();
        for (TunnelStream stream : List.copyOf(streams)) {
            stream.lost(failure.reason(), failure.detail());
        }
        listener.onTunnelClosed(failure.reason(), failure.detail(), failure.badPeer());
    }

    /** Other revocation lists are in force: closes if they name the peer now. */
    public void recheckPeer() {
        if (closed) {
            return;
        }
        if (!open) {
            // Its chain may have been looked at already, by the lists before.
            recheckWhenOpen = true;
            return;
        }
        try {
            PeerRejectedException rejected = transport.revoked();
            if (rejected != null) {
                close(TunnelFailure.ofRejection(rejected));
            }
        } catch (RuntimeException e) {
            fault(e);
        }
    }

    void forget(TunnelStream stream) {
        if (streams.remove(stream)) {
            if (stream.waitsForTunnel) {
                waitingForTransport.remove(stream);
            }
            emptySinceNanos = loop.nanoTime();
            if (closed) {
                return;
            }
            if (session.isDraining()) {
                requestFlush();
            } else {
                listener.onTunnelRoom();
            }
        }
    }

    /** A drained tunnel goes when its last stream is gone and nothing of it waits to be written. */
    private void endIfDone() {
        if (endWith == null && session.isDraining() && session.isFinished() && streams.isEmpty()) {
            end(CloseReason.DRAINED, "the tunnel was drained");
        }
        TunnelFailure ending = endWith;
        if (ending != null && output.isEmpty()) {
            close(ending);
        }
    }

    // ---- sending ----------------------------------------------------------------------------------------------------

    /** Where the stream's next bytes may be read to; null when flow control, the transport or want of a buffer blocks it. */
    @Nullable
    ByteBuffer room(TunnelStream stream) {
        if (closed || !output.drainControl()) {
            waitForTransport(stream);
            return null;
        }
        int sendable = session.sendable(stream.stream());
        if (sendable == 0) {
            return null;
        }
        ByteBuffer room = output.room(sendable);
        if (room == null) {
            waitForTransport(stream);
        }
        return room;
    }

    /** Moves once what the application has into a frame of the stream: as {@link TunnelStream#splice}. */
    int splice(TunnelStream stream, RelaySocket from) {
        if (!transport.splices() || !from.splices()) {
            return RelaySocket.NOT_SPLICED;
        }
        if (closed || !output.drainControl()) {
            waitForTransport(stream);
            return RelaySocket.FULL;
        }
        int sendable = session.sendable(stream.stream());
        if (sendable == 0) {
            return RelaySocket.FULL;
        }
        int count = output.splice(stream.stream(), from, sendable);
        if (count == RelaySocket.FULL) {
            waitForTransport(stream);
        } else if (count > 0) {
            load.moved(count);
            stream.wentUp(count, count < sendable);
        }
        return count;
    }

    private void waitForTransport(TunnelStream stream) {
        if (!stream.waitsForTunnel) {
            stream.waitsForTunnel = true;
            waitingForTransport.addLast(stream);
        }
    }

    /** {@code count} bytes of the stream lie in that room. */
    void sent(TunnelStream stream, int count) {
        output.sent(stream.stream(), count);
        load.moved(count);
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
            try {
                output.flush();
                if (!closed) {
                    endIfDone();
                }
            } catch (RuntimeException e) {
                fault(e);
            }
        }
    }

    @Override
    public void onUnblocked() {
        goOn();
    }

    /** Each stream's rest lies in a buffer of its own. */
    @Override
    public long standingBytes() {
        return session.standing() + (long) session.standingStreams() * BufferPool.SMALL;
    }

    private void onBuffers() {
        if (!closed && open) {
            try {
                goOn();
            } catch (RuntimeException e) {
                fault(e);
            }
        }
    }

    /** What waited for the transport, or for a buffer, has another try. */
    private void goOn() {
        output.flush();
        if (!closed) {
            endIfDone();
        }
        for (int left = waitingForTransport.size();
                left > 0 && !waitingForTransport.isEmpty() && !transport.isBlocked();
                left--) {
            TunnelStream stream = waitingForTransport.removeFirst();
            stream.waitsForTunnel = false;
            SessionEvents.onRoom(stream);
        }
        if (!closed) {
            listener.onTunnelRoom();
        }
    }

    // ---- receiving --------------------------------------------------------------------------------------------------

    @Override
    public void onSecured() {
        PeerIdentity peer = transport.peer();
        if (!(peer instanceof PeerIdentity.Verified)) {
            close(new TunnelFailure(CloseReason.TLS_FAILED, "the peer proved no identity", BadPeer.BAD_SPIFFE_ID));
            return;
        }
        PeerRejectedException rejected = recheckWhenOpen ? transport.revoked() : null;
        if (rejected != null) {
            close(TunnelFailure.ofRejection(rejected));
            return;
        }
        open = true;
        watch.secured();
        listener.onTunnelOpen(peer);
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
        received();
    }

    @Override
    public int payloadLeft() {
        return closed ? 0 : session.payloadLeft();
    }

    @Override
    public int untilHeader() {
        return session.untilHeader();
    }

    @Override
    public int onPayload(RelaySocket from, int most) {
        HboneStream carrying = session.payloadStream();
        if (carrying == null || !(carrying.attachment() instanceof TunnelStream stream)) {
            return RelaySocket.NOT_SPLICED;
        }
        receiving = true;
        int count;
        try {
            count = stream.moveDown(from, most);
            if (count > 0) {
                load.moved(count);
                session.passed(count, loop.nanoTime());
            }
            stream.passed();
        } finally {
            receiving = false;
        }
        received();
        return count;
    }

    private void received() {
        watch.headerBlock(!closed && session.insideHeaderBlock());
        TunnelFailure failure = closeWith;
        if (failure != null && !closed) {
            output.flush();
            close(failure);
        } else if (session.pendingOutput() > 0 || session.isDraining()) {
            requestFlush();
        }
    }

    @Override
    public void onTransportClosed(Transport.Failure failure, @Nullable Throwable cause) {
        TunnelFailure known = closeWith;
        peerLeft = failure == Transport.Failure.CLOSED_BY_PEER;
        if (known == null && failure == Transport.Failure.CLOSED_BY_PEER && open && streams.isEmpty()) {
            CloseReason reason = session.isDraining() ? CloseReason.DRAINED : CloseReason.NORMAL;
            known = new TunnelFailure(reason, "the peer closed the tunnel", null);
        }
        closed(known == null ? TunnelFailure.of(failure, cause, open) : known);
    }

    /** We are wrong: this tunnel must not go on. */
    private void fault(RuntimeException e) {
        LOG.log(System.Logger.Level.ERROR, "a tunnel was given up because of a fault in the agent", e);
        close(new TunnelFailure(CloseReason.BUG, e.toString(), null));
    }

    // ---- told by the session ----------------------------------------------------------------------------------------

    void accepted(HboneStream opened, ConnectRequest request) {
        TunnelStream stream = new TunnelStream(this, opened, null);
        opened.attach(stream);
        streams.add(stream);
        listener.onTunnelConnect(stream, request);
    }

    TunnelListener listener() {
        return listener;
    }

    /** The peer's settings are there. */
    void greeted() {
        watch.greeted();
        listener.onTunnelRoom();
    }

    void onPong(long opaque) {
        watch.onPong(opaque);
    }

    // ---- keepalive --------------------------------------------------------------------------------------------------

    void ping(long opaque) {
        session.ping(opaque);
        requestFlush();
    }

    /** Server: a tunnel that nobody has used for long goes in good order. */
    void drainIfIdle() {
        if (server && idleNanos() > terms.idleNanos()) {
            drain();
        }
    }

    @Override
    public String toString() {
        return (server ? "server" : "client") + " tunnel with " + streams.size() + " streams";
    }
}
