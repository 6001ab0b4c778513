package io.culvert.agent.hbone;

import io.culvert.agent.base.BufferWait;
import io.culvert.agent.base.Deadline;
import io.culvert.agent.base.Loop;
import io.culvert.agent.relay.ChunkQueue;
import io.culvert.agent.relay.PeerEvents;
import io.culvert.agent.relay.RelayPeer;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.relay.Turn;
import io.culvert.agent.telemetry.CloseReason;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A tunnel's stream as a socket, so that a transport can run over it: what a stream carries may be a tunnel itself.
 *
 * <p>Bytes wait here both ways and move on in a turn of their own, because the transport above and the one below use the
 * same scratch buffers of the loop: neither may run within a call of the other.
 *
 * <p>Runs on: its loop. Owns: the stream, and what waits for it and from it.
 *
 * <p>Bounds: received, the window that the stream's peer was given, since credit is returned as bytes are read; to be sent,
 * {@link #WAITING_BYTES_MAX} and one write. After {@link #close} the last bytes, and the peer's end, have {@link #LINGER_NANOS}.
 */
public final class StreamSocket implements RelaySocket, PeerEvents {
    static final int WAITING_BYTES_MAX = Loop.READ_BYTES_MAX;
    static final long LINGER_NANOS = TimeUnit.SECONDS.toNanos(60);

    private final Loop loop;
    private final RelayPeer stream;
    private final ChunkQueue received;
    private final ChunkQueue waiting;
    private final Turn turn;
    private final BufferWait bufferWait;
    private final Deadline linger = new Deadline();
    private @Nullable Listener listener;
    private boolean ended;
    private boolean endRead;
    private boolean broken;
    private boolean breakRead;
    private boolean unwritable;
    private boolean finishing;
    private boolean finished;
    private boolean closing;
    private boolean closed;

    public StreamSocket(Loop loop, RelayPeer stream) {
        this.loop = loop;
        this.stream = stream;
        this.received = new ChunkQueue(loop.buffers()::borrowForReceived);
        this.waiting = new ChunkQueue(loop.buffers()::borrowForTunnel);
        this.turn = new Turn(loop, new Listener() {
            @Override
            public void onReady() {
                move();
            }

            @Override
            public void onFault(RuntimeException fault) {
                StreamSocket.this.onFault(fault);
            }
        });
        this.bufferWait = BufferWait.forTunnel(loop.buffers(), turn);
    }

    private void move() {
        if (closed) {
            return;
        }
        send();
        if (waiting.isEmpty()) {
            unwritable = false;
            finishIfWanted();
        }
        if (closing) {
            letGoIfDone();
            return;
        }
        Listener told = listener;
        if (told != null) {
            told.onReady();
        }
    }

    private void send() {
        while (!waiting.isEmpty() && !broken) {
            ByteBuffer room = stream.room();
            if (room == null) {
                return;
            }
            int count = waiting.moveTo(room);
            if (!stream.sent(room, count)) {
                breakOff();
            }
        }
    }

    private void finishIfWanted() {
        if (finishing && !finished) {
            finished = true;
            stream.finish();
        }
    }

    /** Until its peer has ended too: to be let go of before means a reset, which may overtake the last bytes. */
    private void letGoIfDone() {
        if (waiting.isEmpty()) {
            finishing = true;
            finishIfWanted();
            if (ended || broken) {
                letGo();
            }
        }
    }

    private void letGo() {
        if (closed) {
            return;
        }
        closed = true;
        linger.cancel();
        bufferWait.end();
        waiting.release();
        dropReceived();
        stream.released();
    }

    private void dropReceived() {
        int dropped = received.bytes();
        received.release();
        if (dropped > 0) {
            stream.drained(dropped);
        }
    }

    private void breakOff() {
        broken = true;
        waiting.release();
        turn.request();
    }

    // ---- the stream's side ------------------------------------------------------------------------------------------

    @Override
    public void start() {
        turn.request();
    }

    @Override
    public void onPeerData(ByteBuffer from) {
        int length = from.remaining();
        if (closing || closed) {
            stream.drained(length);
        } else if (received.append(from)) {
            turn.request();
        } else {
            breakOff();
        }
    }

    @Override
    public void onPeerEnd() {
        ended = true;
        turn.request();
    }

    @Override
    public void onPeerLeft() {
        // What it sent before can still be read, then its end; nothing reaches it any more.
        ended = true;
        waiting.release();
        finished = true;
        turn.request();
    }

    @Override
    public void onPeerBroken(CloseReason reason, @Nullable String detail) {
        breakOff();
    }

    @Override
    public void onPeerRoom() {
        turn.request();
    }

    @Override
    public void onFault(RuntimeException fault) {
        Listener told = listener;
        boolean known = closing || closed;
        abort();
        if (told != null && !known) {
            told.onFault(fault);
        }
    }

    // ---- the socket's side ------------------------------------------------------------------------------------------

    @Override
    public void listener(Listener next) {
        listener = next;
    }

    @Override
    public boolean isReadable() {
        return !closed && (!received.isEmpty() || ended && !endRead || broken && !breakRead);
    }

    @Override
    public boolean isBuffered() {
        return true;
    }

    @Override
    public boolean isWritable() {
        return !closed && !unwritable;
    }

    @Override
    public boolean errorSeen() {
        return broken;
    }

    @Override
    public int read(ByteBuffer into) {
        int count = closed ? 0 : received.moveTo(into);
        if (count > 0) {
            stream.drained(count);
            return count;
        }
        if (closed || broken) {
            breakRead = true;
            return BROKEN;
        }
        endRead = ended;
        return ended ? END : 0;
    }

    @Override
    public int write(ByteBuffer from) {
        if (closed || closing || broken || finished || finishing) {
            return BROKEN;
        }
        if (waiting.bytes() >= WAITING_BYTES_MAX) {
            unwritable = true;
            return 0;
        }
        int before = from.remaining();
        if (!waiting.append(from)) {
            unwritable = true;
            if (waiting.isEmpty()) {
                bufferWait.begin();
                return 0;
            }
        }
        turn.request();
        return before - from.remaining();
    }

    @Override
    public void shutdownWrite() {
        finishing = true;
        turn.request();
    }

    @Override
    public void abort() {
        if (!closed) {
            closing = true;
            waiting.release();
            stream.abort();
            letGo();
        }
    }

    @Override
    public void close() {
        if (closing || closed) {
            return;
        }
        closing = true;
        if (broken) {
            waiting.release();
        }
        dropReceived();
        linger.start(loop, this::abort, LINGER_NANOS);
        turn.request();
    }

    @Override
    public boolean isClosed() {
        return closing || closed;
    }

    @Override
    public @Nullable InetSocketAddress remoteAddress() {
        return null;
    }

    @Override
    public @Nullable InetSocketAddress localAddress() {
        return null;
    }
}
