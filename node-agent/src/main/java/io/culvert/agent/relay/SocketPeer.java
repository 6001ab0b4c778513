package io.culvert.agent.relay;

import io.culvert.agent.base.BufferWait;
import io.culvert.agent.base.Deadline;
import io.culvert.agent.base.Loop;
import io.culvert.agent.telemetry.CloseReason;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A plain TCP socket as the far end of a relay.
 *
 * <p>Runs on: its loop. Owns: its socket and what waits for it.
 */
public final class SocketPeer implements RelayPeer, RelaySocket.Listener {
    /** How long the last bytes may wait for a peer that does not read, as the kernel's own orphans do. */
    private static final long LINGER_NANOS = TimeUnit.SECONDS.toNanos(60);

    private final Loop loop;
    private final RelaySocket socket;
    private final Outbox waiting;
    private final Turn turn;
    private final BufferWait bufferWait;
    private final Runnable anotherGo;
    private @Nullable PeerEvents relay;
    private boolean ended;
    private boolean readPaused;
    private boolean finishing;
    private boolean finished;
    private boolean unwritable;
    private boolean writeBroke;
    private boolean broken;
    private final Deadline linger = new Deadline();
    private final Deadline reset = new Deadline();
    // What the application has not taken yet: reading pauses above a mark.
    private int undrained;

    public SocketPeer(Loop loop, RelaySocket socket) {
        this.loop = loop;
        this.socket = socket;
        this.waiting = new Outbox(loop, socket, loop.buffers()::borrow);
        this.turn = new Turn(loop, this);
        this.anotherGo = turn::request;
        this.bufferWait = BufferWait.forSlack(loop.buffers(), turn);
    }

    @Override
    public void start(PeerEvents started) {
        relay = started;
        socket.listener(this);
        started.start();
        onReady();
    }

    @Override
    public void onFault(RuntimeException fault) {
        PeerEvents told = relay;
        if (told != null) {
            told.onFault(fault);
        } else {
            closeNow();
        }
    }

    @Override
    public void onReady() {
        if (!waiting.isEmpty() && socket.isWritable()) {
            drain();
        }
        tellRoom();
        if (relay != null && socket.isReadable()) {
            read();
        }
        PeerEvents told = relay;
        if (told != null && (writeBroke && !socket.isReadable() || ended && socket.errorSeen())) {
            breakOff(told);
        } else if (told != null && socket.errorSeen() && !reset.isSet()) {
            // The reset lies behind bytes that the application may never take.
            reset.start(loop, this::resetUnread, Relay.RESET_WAIT_NANOS);
        }
    }

    private void resetUnread() {
        PeerEvents told = relay;
        if (told != null) {
            breakOff(told);
        }
    }

    private void tellRoom() {
        PeerEvents told = relay;
        if (told != null && unwritable && waiting.isEmpty() && socket.isWritable() && !writeBroke) {
            unwritable = false;
            told.onPeerRoom();
        }
    }

    private void breakOff(PeerEvents told) {
        broken = true;
        String lost = socket.failure();
        told.onPeerBroken(lost == null ? CloseReason.RESET_BY_PEER : CloseReason.CONNECTION_LOST, lost);
    }

    private void drain() {
        int _ = waiting.flush();
        if (waiting.isBroken()) {
            waiting.release();
            writeBroke = true;
        }
        if (waiting.isEmpty() && finishing) {
            finishNow();
        }
        if (linger.isSet() && waiting.isEmpty()) {
            closeNow();
        }
    }

    private void read() {
        int moved = 0;
        for (PeerEvents told = relay; told != null && !ended && socket.isReadable() && !pauses(); told = relay) {
            if (moved >= Relay.TURN_BYTES_MAX) {
                turn.request();
                return;
            }
            int count = move(told);
            if (count == RelaySocket.FULL) {
                return;
            }
            if (count > 0) {
                moved += count;
            } else if (count == RelaySocket.END) {
                ended = true;
                told.onPeerEnd();
            } else if (count == RelaySocket.BROKEN) {
                breakOff(told);
            }
        }
    }

    /** Moves once what the socket has: how much, or as {@link PeerEvents#splice} answers. */
    private int move(PeerEvents told) {
        int count = told.splice(socket, Outbox.SPLICE_BYTES_MAX, false);
        if (count == RelaySocket.NOT_SPLICED) {
            return carry(told);
        }
        readPaused = count == RelaySocket.FULL;
        // What the application took at once was taken off already.
        undrained += Math.max(0, count);
        return count;
    }

    private int carry(PeerEvents told) {
        ByteBuffer scratch = scratch();
        if (scratch == null) {
            return RelaySocket.FULL;
        }
        int count = socket.read(scratch);
        if (count > 0) {
            undrained += count;
            told.onPeerData(scratch.flip());
        }
        return count;
    }

    /** While the application has this much to take, no more is read. */
    private boolean pauses() {
        readPaused = undrained >= loop.buffers().pauseMark();
        return readPaused;
    }

    /** Where to read what its receiver may not take at once; null while it could not be kept then, and told of later. */
    private @Nullable ByteBuffer scratch() {
        int slack = loop.buffers().slack();
        if (slack == 0) {
            bufferWait.begin();
            loop.pipes().await(anotherGo);
            return null;
        }
        return loop.relayScratch().limit(slack);
    }

    private boolean takesNothing() {
        return !waiting.isEmpty() || !socket.isWritable() || writeBroke;
    }

    @Override
    public int splice(RelaySocket from) {
        unwritable = takesNothing();
        if (unwritable) {
            return RelaySocket.FULL;
        }
        int count = waiting.splice(from, Outbox.SPLICE_BYTES_MAX);
        if (count > 0) {
            int _ = waiting.flush();
        }
        if (waiting.isBroken()) {
            waiting.release();
            isDeaf();
        }
        return count;
    }

    /** What the peer sent before it broke may still be unread: that goes first. */
    private void isDeaf() {
        writeBroke = true;
        turn.request();
    }

    @Override
    public @Nullable ByteBuffer room() {
        if (takesNothing()) {
            unwritable = true;
            return null;
        }
        ByteBuffer room = scratch();
        unwritable = room == null;
        return room;
    }

    @Override
    public boolean sent(ByteBuffer room, int count) {
        room.flip();
        int taken = socket.write(room);
        if (taken == RelaySocket.BROKEN) {
            isDeaf();
            return true;
        }
        return !room.hasRemaining() || waiting.append(room);
    }

    @Override
    public void finish() {
        finishing = true;
        if (waiting.isEmpty()) {
            finishNow();
        }
    }

    private void finishNow() {
        if (!finished) {
            finished = true;
            socket.shutdownWrite();
        }
    }

    @Override
    public void abort() {
        socket.abort();
    }

    @Override
    public void drained(int count) {
        undrained -= count;
        if (readPaused && undrained < loop.buffers().pauseMark() && socket.isReadable()) {
            turn.request();
        }
    }

    @Override
    public void released() {
        relay = null;
        reset.cancel();
        stopWaiting();
        if (waiting.isEmpty() || broken || writeBroke || socket.isClosed()) {
            closeNow();
        } else {
            // Both directions have ended, the last bytes still wait for the kernel: they go out before the socket
            // closes.
            finishing = true;
            linger.start(loop, this::closeNow, LINGER_NANOS);
        }
    }

    private void stopWaiting() {
        bufferWait.end();
        loop.pipes().forget(anotherGo);
    }

    private void closeNow() {
        linger.cancel();
        reset.cancel();
        stopWaiting();
        waiting.release();
        socket.close();
    }
}
