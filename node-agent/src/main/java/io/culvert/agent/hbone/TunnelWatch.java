package io.culvert.agent.hbone;

import io.culvert.agent.base.Deadline;
import io.culvert.agent.base.Loop;
import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.protocol.hbone.frame.Http2Code;

/**
 * The times within which a tunnel's peer must do its part: handshake and preface, each header block, the answer to each PING.
 *
 * <p>Runs on: its loop.
 */
final class TunnelWatch {
    /** How often a peer whose preface we did not read for want of memory gets its time again. */
    private static final int EXTENSIONS_MAX = 3;

    private final Loop loop;
    private final Tunnel tunnel;
    private final Tunnel.Terms terms;
    private final Deadline handshake = new Deadline();
    private final Deadline headerBlock = new Deadline();
    private final Deadline nextPing = new Deadline();
    private int handshakeExtensions;
    private long pingsSent;
    private long pongsSeen;

    TunnelWatch(Loop loop, Tunnel tunnel, Tunnel.Terms terms) {
        this.loop = loop;
        this.tunnel = tunnel;
        this.terms = terms;
    }

    /** The transport starts: TLS and the HTTP/2 preface are due. */
    void begin() {
        handshake.start(loop, this::handshakeTimedOut, terms.handshakeNanos());
    }

    private void handshakeTimedOut() {
        if (tunnel.wasStarved() && handshakeExtensions < EXTENSIONS_MAX) {
            handshakeExtensions++;
            handshake.start(loop, this::handshakeTimedOut, terms.handshakeNanos());
            return;
        }
        String late = tunnel.isOpen() ? "the HTTP/2 preface did not come in time" : "the TLS handshake took too long";
        tunnel.close(
                new TunnelFailure(CloseReason.HANDSHAKE_TIMEOUT, late, BadPeer.HANDSHAKE_TIMEOUT),
                Http2Code.SETTINGS_TIMEOUT);
    }

    /** TLS is done. */
    void secured() {
        nextPing.start(loop, this::ping, terms.pingIntervalNanos());
    }

    /** The preface is there. */
    void greeted() {
        handshake.cancel();
    }

    /** The session has no clock: a header block that is left open would keep everything behind it from being read. */
    void headerBlock(boolean unfinished) {
        if (!unfinished) {
            headerBlock.cancel();
        } else if (!headerBlock.isSet()) {
            headerBlock.start(loop, this::headerBlockTimedOut, terms.handshakeNanos());
        }
    }

    private void headerBlockTimedOut() {
        if (tunnel.wasStarved()) {
            headerBlock.start(loop, this::headerBlockTimedOut, terms.handshakeNanos());
            return;
        }
        tunnel.close(
                new TunnelFailure(
                        CloseReason.H2_FAILED, "a header block was not finished in time", BadPeer.HTTP2_PROTOCOL),
                Http2Code.ENHANCE_YOUR_CALM);
    }

    private void ping() {
        boolean _ = tunnel.wasStarved();
        tunnel.drainIfIdle();
        pingsSent++;
        tunnel.ping(pingsSent);
        long awaited = pingsSent;
        nextPing.start(loop, () -> afterPing(awaited), terms.pingTimeoutNanos());
    }

    private void afterPing(long awaited) {
        if (pongsSeen < awaited && tunnel.wasStarved()) {
            // What we did not read must not be held against the peer.
            nextPing.start(loop, () -> afterPing(awaited), terms.pingTimeoutNanos());
        } else if (pongsSeen < awaited) {
            tunnel.close(
                    new TunnelFailure(CloseReason.TUNNEL_LOST, "the peer did not answer a PING", BadPeer.UNRESPONSIVE),
                    Http2Code.NO_ERROR);
        }
    }

    void onPong(long opaque) {
        // Any other number is not an answer to what was asked, and must not pass for a later one.
        if (opaque == pingsSent) {
            pongsSeen = opaque;
            nextPing.start(loop, this::ping, terms.pingIntervalNanos());
        }
    }

    /** The tunnel is closed: nothing is due any more. */
    void end() {
        handshake.cancel();
        headerBlock.cancel();
        nextPing.cancel();
    }
}
