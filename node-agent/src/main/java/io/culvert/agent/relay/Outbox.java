package io.culvert.agent.relay;

import io.culvert.agent.base.BufferShare;
import io.culvert.agent.base.Loop;
import io.culvert.agent.base.Pipe;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What a socket would not take yet, in order: in pooled buffers, or in the pipe that it came by.
 *
 * <p>Runs on: its loop. Owns: what it borrowed; {@link #release} gives it back.
 *
 * <p>Bounds: one pipe, and the share that lends buffers; {@link #append} answers false when that is used up.
 */
final class Outbox {
    private final Loop loop;
    private final RelaySocket socket;
    private final ChunkQueue queue;
    private @Nullable Pipe pipe;
    private boolean pipeBroken;

    Outbox(Loop loop, RelaySocket socket, BufferShare.Lender lender) {
        this.loop = loop;
        this.socket = socket;
        this.queue = new ChunkQueue(lender);
    }

    boolean isEmpty() {
        return pipe == null && queue.isEmpty();
    }

    int bytes() {
        return queue.bytes() + (pipe == null ? 0 : pipe.bytes());
    }

    /** Whether the socket broke while what waits was written to it. */
    boolean isBroken() {
        return pipeBroken || queue.isBroken();
    }

    /** Copies all remaining bytes in; false when no buffer was lent for them (what fitted stays queued). */
    boolean append(ByteBuffer from) {
        return queue.append(from);
    }

    /**
     * Moves once what another socket has to this one; what is not taken waits. To be called when nothing waits.
     *
     * @return bytes that left the other socket, or what else {@link RelaySocket#read(Pipe)} answers
     */
    int splice(RelaySocket from) {
        Pipe borrowed = from.splices() && socket.splices() ? loop.pipes().borrow() : null;
        if (borrowed == null) {
            return RelaySocket.NOT_SPLICED;
        }
        pipe = borrowed;
        int count = from.read(borrowed);
        if (count > 0) {
            int _ = flushPipe(borrowed);
        } else {
            givePipeBack(borrowed);
        }
        return count;
    }

    /**
     * Writes as much as the socket takes, which {@link #isBroken} may cut short.
     *
     * @return bytes written
     */
    int flush() {
        Pipe spliced = pipe;
        return spliced == null ? queue.writeTo(socket) : flushPipe(spliced);
    }

    private int flushPipe(Pipe spliced) {
        int taken = socket.isWritable() ? socket.write(spliced) : 0;
        if (taken == RelaySocket.BROKEN) {
            pipeBroken = true;
            return 0;
        }
        if (spliced.bytes() == 0) {
            givePipeBack(spliced);
        }
        return taken;
    }

    private void givePipeBack(Pipe used) {
        pipe = null;
        used.giveBack();
    }

    /** Drops all bytes and gives back what was borrowed. */
    void release() {
        Pipe left = pipe;
        if (left != null) {
            givePipeBack(left);
        }
        queue.release();
    }
}
