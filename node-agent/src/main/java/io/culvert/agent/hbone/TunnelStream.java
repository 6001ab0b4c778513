package io.culvert.agent.hbone;

import io.culvert.agent.base.Chunk;
import io.culvert.agent.relay.ChunkQueue;
import io.culvert.agent.relay.PeerEvents;
import io.culvert.agent.relay.RelayPeer;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.protocol.hbone.ConnectResponse;
import io.culvert.protocol.hbone.HboneStream;
import io.culvert.protocol.hbone.frame.Http2Code;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * One CONNECT stream of a tunnel, as the far end of a relay.
 *
 * <p>Before the relay starts, what the peer sends early waits here, no more than its window.
 *
 * <p>Runs on: its tunnel's loop.
 */
public final class TunnelStream implements RelayPeer {
    private static final System.Logger LOG = System.getLogger(TunnelStream.class.getName());

    /** Told what happens before the relay starts. */
    public interface Opening {
        /** Client: the peer answered. */
        void onResponse(ConnectResponse response);

        /** The stream or its tunnel is gone. */
        void onStreamLost(CloseReason reason, @Nullable String detail);

        /** Client: the peer has not even looked at the stream, so another one may be asked for. */
        default void onStreamRefused() {
            onStreamLost(CloseReason.STREAM_RESET, "the peer took no more streams");
        }
    }

    private final Tunnel tunnel;
    private final HboneStream stream;
    private final ChunkQueue early;
    private @Nullable Opening opening;
    private @Nullable PeerEvents relay;
    private boolean ended;
    private boolean left;
    private boolean gone;
    private boolean finished;
    boolean waitsForTunnel;
    /** The application had much at once to send when it was read last: it will have again. */
    private boolean sendsMuch;
    /** What the application took while payload is moved to it that the session has not been told of. */
    private int takenEarly;

    private boolean moving;

    TunnelStream(Tunnel tunnel, HboneStream stream, @Nullable Opening opening) {
        this.tunnel = tunnel;
        this.stream = stream;
        this.opening = opening;
        this.early = new ChunkQueue(tunnel.loop().buffers()::borrowForReceived);
    }

    HboneStream stream() {
        return stream;
    }

    public Tunnel tunnel() {
        return tunnel;
    }

    public void opening(Opening told) {
        opening = told;
    }

    /** Server: answers 200. */
    public void accept(@Nullable String baggage) {
        if (!gone) {
            tunnel.session().accept(stream, baggage);
            tunnel.requestFlush();
        }
    }

    /** Server: answers a failure and ends the stream. */
    public void refuse(int status) {
        if (!gone) {
            gone = true;
            tunnel.session().refuse(stream, status);
            detach();
        }
    }

    /** Ends the stream before it was relayed. */
    public void cancel(int code) {
        if (!gone) {
            gone = true;
            tunnel.session().reset(stream, code);
            detach();
        }
    }

    /** What came early goes first. */
    @Override
    public void start(PeerEvents started) {
        opening = null;
        relay = started;
        started.start();
        for (Chunk chunk = early.poll(); chunk != null; chunk = early.poll()) {
            try {
                started.onPeerData(chunk.bytes());
            } finally {
                chunk.giveBack();
            }
        }
        if (ended) {
            started.onPeerEnd();
        }
        if (left) {
            started.onPeerLeft();
        } else if (gone) {
            started.onPeerBroken(CloseReason.STREAM_RESET, "the stream was lost while it was being opened");
        }
    }

    void onResponse(ConnectResponse response) {
        Opening told = opening;
        if (told != null) {
            told.onResponse(response);
        }
    }

    /** All of the buffer's remaining bytes. */
    void onData(ByteBuffer in) {
        int length = in.remaining();
        PeerEvents told = relay;
        if (told != null) {
            told.onPeerData(in);
        } else if (gone) {
            drained(length);
        } else if (!early.append(in)) {
            tunnel.session().reset(stream, Http2Code.ENHANCE_YOUR_CALM);
            lost(CloseReason.LIMIT_REACHED, "no buffer was free for what the peer sent before its stream was accepted");
        }
    }

    void onEnd() {
        ended = true;
        PeerEvents told = relay;
        if (told != null) {
            told.onPeerEnd();
        }
    }

    /**
     * The peer reset the stream. NO_ERROR, CANCEL and STREAM_CLOSED are an orderly leave-taking; CONNECT_ERROR is
     * said for an application that broke off.
     */
    void onReset(int code) {
        gone = true;
        left = code == Http2Code.NO_ERROR || code == Http2Code.CANCEL || code == Http2Code.STREAM_CLOSED;
        PeerEvents told = relay;
        if (told == null && code == Http2Code.REFUSED_STREAM) {
            refused();
        } else if (told == null) {
            lost(CloseReason.STREAM_RESET, "the peer reset the stream with " + Http2Code.name(code));
        } else if (left) {
            tunnel.forget(this);
            told.onPeerLeft();
        } else {
            tunnel.forget(this);
            told.onPeerBroken(
                    code == Http2Code.CONNECT_ERROR ? CloseReason.RESET_BY_PEER : CloseReason.STREAM_RESET,
                    "the peer reset the stream with " + Http2Code.name(code));
        }
    }

    private void refused() {
        Opening told = opening;
        opening = null;
        tunnel.forget(this);
        if (told != null) {
            told.onStreamRefused();
        }
    }

    /** Flow control lets us send again. */
    void onRoom() {
        PeerEvents told = relay;
        if (told != null) {
            told.onPeerRoom();
        }
    }

    /** The stream is no more, and not by a word of its peer. */
    void lost(CloseReason reason, @Nullable String detail) {
        gone = true;
        tunnel.forget(this);
        PeerEvents told = relay;
        Opening toldOpening = opening;
        opening = null;
        if (told != null && ended && finished && tunnel.isSettled()) {
            // Both directions had ended before: what is left is on its way to the application, and goes on.
            return;
        }
        if (told != null && ended && !finished && tunnel.isPeerLeft()) {
            // All that the peer had to say is here, and the application gets it.
            told.onPeerLeft();
        } else if (told != null) {
            told.onPeerBroken(reason, detail);
        } else {
            dropEarly();
            if (toldOpening != null) {
                toldOpening.onStreamLost(reason, detail);
            }
        }
    }

    /** We are wrong: this connection must not go on, the others of the tunnel may. */
    void fault(RuntimeException e) {
        LOG.log(System.Logger.Level.ERROR, "a stream was given up because of a fault in the agent", e);
        PeerEvents told = relay;
        if (told != null) {
            told.onFault(e);
        } else {
            tunnel.session().reset(stream, Http2Code.INTERNAL_ERROR);
            lost(CloseReason.BUG, e.toString());
        }
    }

    /**
     * Moves some of its payload from the tunnel's socket to the application: as {@link PeerEvents#splice}, but that there is
     * nothing to wait for.
     */
    int moveDown(RelaySocket from, int most) {
        PeerEvents told = relay;
        if (told == null || gone || !early.isEmpty()) {
            return RelaySocket.NOT_SPLICED;
        }
        moving = true;
        int count;
        try {
            // The tunnel goes on in any case, since it carries others, too.
            count = told.splice(from, most, true);
        } finally {
            moving = false;
        }
        return count == RelaySocket.FULL ? RelaySocket.NOT_SPLICED : count;
    }

    /** The session knows of what was moved. */
    void passed() {
        int taken = takenEarly;
        takenEarly = 0;
        if (taken > 0) {
            drained(taken);
        }
    }

    @Override
    public int splice(RelaySocket from) {
        return gone || !sendsMuch ? RelaySocket.NOT_SPLICED : tunnel.splice(this, from);
    }

    @Override
    public @Nullable ByteBuffer room() {
        return gone ? null : tunnel.room(this);
    }

    @Override
    public boolean sent(ByteBuffer room, int count) {
        wentUp(count, room.hasRemaining());
        if (!gone) {
            tunnel.sent(this, count);
        }
        return true;
    }

    /**
     * That much was read of the application at once.
     *
     * @param all whether there was room for more
     */
    void wentUp(int count, boolean all) {
        if (count >= KernelRecords.SPLICE_BYTES_MIN) {
            sendsMuch = true;
        } else if (all) {
            sendsMuch = false;
        }
    }

    @Override
    public void finish() {
        if (!gone) {
            finished = true;
            tunnel.session().end(stream);
            tunnel.requestFlush();
        }
    }

    @Override
    public void abort() {
        if (!gone) {
            gone = true;
            tunnel.session().reset(stream, Http2Code.CONNECT_ERROR);
            detach();
        }
    }

    @Override
    public void drained(int count) {
        if (moving) {
            takenEarly += count;
        } else if (!tunnel.isClosed()) {
            tunnel.session().consumed(stream, count);
            tunnel.requestFlush();
        }
    }

    @Override
    public void released() {
        relay = null;
        if (!gone) {
            gone = true;
            if (!(ended && finished)) {
                tunnel.session().reset(stream, Http2Code.CONNECT_ERROR);
            }
        }
        detach();
    }

    private void dropEarly() {
        int dropped = early.bytes();
        early.release();
        if (dropped > 0) {
            drained(dropped);
        }
    }

    private void detach() {
        dropEarly();
        tunnel.forget(this);
        tunnel.requestFlush();
    }
}
