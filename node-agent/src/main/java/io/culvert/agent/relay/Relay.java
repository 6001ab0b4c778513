package io.culvert.agent.relay;

import io.culvert.agent.base.Deadline;
import io.culvert.agent.base.Loop;
import io.culvert.agent.telemetry.CloseReason;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Relays one connection between an application's socket and its peer until both directions have ended or either side
 * broke. Reading pauses while the receiver cannot take more, so that a slow reader slows its sender and nobody else.
 *
 * <p>Runs on: its loop. Allocates nothing per read.
 *
 * <p>Owns: the application's socket, and what waits for it.
 *
 * <p>Bounds: per tick {@link #TURN_BYTES_MAX} upwards; what waits for the application is bounded by the credit that the
 * peer was given, and by the pod's share of the loop's buffers.
 */
public final class Relay implements RelaySocket.Listener, PeerEvents {
    /** How much one connection may move upwards before the others get their turn. */
    static final int TURN_BYTES_MAX = 4 * Loop.READ_BYTES_MAX;
    /** How long what was sent before a reset may wait for a receiver that takes nothing. */
    static final long RESET_WAIT_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Loop loop;
    private final RelaySocket app;
    private final RelayPeer peer;
    private final RelayOwner owner;
    private final Outbox waiting;
    private final Turn turn;
    private final RelayState state = new RelayState();
    private final Deadline reset = new Deadline();
    private boolean over;

    public Relay(Loop loop, RelaySocket app, RelayPeer peer, RelayOwner owner) {
        this.loop = loop;
        this.app = app;
        this.peer = peer;
        this.owner = owner;
        this.waiting = new Outbox(loop, app, loop.buffers()::borrowForReceived);
        this.turn = new Turn(loop, this);
    }

    /** Starts reading the application. */
    @Override
    public void start() {
        app.listener(this);
        onReady();
    }

    @Override
    public void onFault(RuntimeException fault) {
        fail(CloseReason.BUG, fault.toString());
    }

    @Override
    public void onReady() {
        if (!over && !waiting.isEmpty() && app.isWritable()) {
            drain();
        }
        if (!over && app.isReadable()) {
            pump();
        }
        if (!over && app.errorSeen()) {
            resetSeen();
        }
    }

    private void resetSeen() {
        if (state.up() == RelayState.Direction.ENDED) {
            // Nothing is read any more that would tell.
            appBroke("after it had ended its direction");
        } else if (!reset.isSet()) {
            // The reset lies behind bytes that the peer may never take.
            reset.start(loop, () -> appBroke("while its peer did not take what it had sent"), RESET_WAIT_NANOS);
        }
    }

    /** The peer can take bytes again. */
    @Override
    public void onPeerRoom() {
        if (!over && app.isReadable()) {
            pump();
        }
    }

    private void pump() {
        int moved = 0;
        while (!over && state.up() == RelayState.Direction.OPEN && app.isReadable()) {
            if (state.isPeerGone()) {
                readForNobody();
                return;
            }
            if (moved >= TURN_BYTES_MAX) {
                turn.request();
                return;
            }
            int count = move();
            if (count == RelaySocket.FULL) {
                return;
            }
            if (count > 0) {
                moved += count;
            } else if (count == RelaySocket.END) {
                state.appEnded();
                peer.finish();
                completeIfDone();
            } else if (count == RelaySocket.BROKEN) {
                appBroke(null);
            }
        }
    }

    /** The application reset the connection, or it, or the way to it, went away. */
    private void appBroke(@Nullable String when) {
        String lost = app.failure();
        fail(lost == null ? CloseReason.RESET_BY_APPLICATION : CloseReason.CONNECTION_LOST, lost == null ? when : lost);
    }

    /** Moves once what the application has: how much, or as {@link RelayPeer#splice} answers. */
    private int move() {
        int count = peer.splice(app);
        if (count == RelaySocket.NOT_SPLICED) {
            return carry();
        }
        if (count > 0) {
            owner.relayedUp(count);
        }
        return count;
    }

    private int carry() {
        ByteBuffer room = peer.room();
        if (room == null) {
            return RelaySocket.FULL;
        }
        int count = app.read(room);
        if (count > 0) {
            owner.relayedUp(count);
            if (!peer.sent(room, count)) {
                fail(CloseReason.LIMIT_REACHED, "no buffer was free for bytes to the peer");
            }
        }
        return count;
    }

    /** The peer has left in good order: the application may still end, but bytes of it are answered by a reset. */
    private void readForNobody() {
        int count = app.read(loop.relayScratch().limit(1));
        if (count == RelaySocket.END) {
            state.appEnded();
            completeIfDone();
        } else if (count == RelaySocket.BROKEN) {
            appBroke(null);
        } else if (count != 0) {
            fail(CloseReason.RESET_BY_APPLICATION, "the application went on sending after its peer had left");
        }
    }

    @Override
    public int splice(RelaySocket from, int most, boolean urgent) {
        if (over || state.down() != RelayState.Direction.OPEN) {
            return RelaySocket.NOT_SPLICED;
        }
        if (!waiting.isEmpty() && !urgent) {
            return RelaySocket.FULL;
        }
        int count = waiting.splice(from, most);
        if (count > 0) {
            taken(waiting.flush());
        }
        if (waiting.isBroken()) {
            appIsDeaf(0);
        }
        return count;
    }

    /** Bytes of the peer for the application: all of the buffer's remaining bytes. */
    @Override
    public void onPeerData(ByteBuffer from) {
        int length = from.remaining();
        if (over || state.down() != RelayState.Direction.OPEN) {
            peer.drained(length);
            return;
        }
        int taken = waiting.isEmpty() && app.isWritable() ? app.write(from) : 0;
        if (taken == RelaySocket.BROKEN) {
            appIsDeaf(length);
            return;
        }
        taken(taken);
        if (from.hasRemaining() && !waiting.append(from)) {
            fail(CloseReason.LIMIT_REACHED, "no buffer was free for bytes to the application");
        }
    }

    private void drain() {
        taken(waiting.flush());
        if (waiting.isBroken()) {
            appIsDeaf(0);
        } else if (waiting.isEmpty() && state.drained()) {
            endDown();
        }
    }

    private void taken(int count) {
        if (count > 0) {
            owner.relayedDown(count);
            peer.drained(count);
        }
    }

    /** The application takes no more. What it sent before may still be unread: that goes on, then the break follows. */
    private void appIsDeaf(int untaken) {
        state.appDeaf();
        dropWaiting();
        if (untaken > 0) {
            peer.drained(untaken);
        }
        if (state.up() == RelayState.Direction.OPEN) {
            pump();
        }
        if (!over && (state.isComplete() || !app.isReadable())) {
            appBroke(null);
        }
    }

    /** The peer has ended its direction. */
    @Override
    public void onPeerEnd() {
        if (over || state.down() != RelayState.Direction.OPEN) {
            return;
        }
        state.peerEnded(!waiting.isEmpty());
        endDownIfDrained();
    }

    /** The peer has left in good order: no more bytes from it, and none to it. */
    @Override
    public void onPeerLeft() {
        if (over) {
            return;
        }
        boolean wasOpen = state.down() == RelayState.Direction.OPEN;
        state.peerLeft(!waiting.isEmpty());
        if (wasOpen) {
            endDownIfDrained();
        }
        if (!over && app.isReadable()) {
            pump();
        }
    }

    private void endDownIfDrained() {
        if (state.down() == RelayState.Direction.ENDED) {
            endDown();
        }
    }

    /** Closing the socket says it, too, when that was the last to be said. */
    private void endDown() {
        completeIfDone();
        if (!over) {
            app.shutdownWrite();
        }
    }

    /** The peer's side broke: the application gets a reset. */
    @Override
    public void onPeerBroken(CloseReason reason, @Nullable String detail) {
        if (!over) {
            finish(reason, detail, true);
        }
    }

    /** Ends the relay from our side, at once: both ends see a broken connection. */
    public void fail(CloseReason reason, @Nullable String detail) {
        if (!over) {
            dropWaiting();
            peer.abort();
            finish(reason, detail, true);
        }
    }

    /** What the application will not take is given up, and so is the credit that the peer is owed for it. */
    private void dropWaiting() {
        int dropped = waiting.bytes();
        waiting.release();
        if (dropped > 0) {
            peer.drained(dropped);
        }
    }

    private void completeIfDone() {
        if (!over && state.isComplete()) {
            finish(CloseReason.NORMAL, null, false);
        }
    }

    private void finish(CloseReason reason, @Nullable String detail, boolean broken) {
        over = true;
        reset.cancel();
        state.broke();
        dropWaiting();
        if (broken) {
            app.abort();
        } else {
            app.close();
        }
        peer.released();
        owner.relayClosed(reason, detail);
    }
}
