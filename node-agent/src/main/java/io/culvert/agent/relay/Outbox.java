package io.culvert.agent.relay;

import io.culvert.agent.base.BufferShare;
import io.culvert.agent.base.Loop;
import io.culvert.agent.base.Pipe;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;

/**
 * What a socket would not take yet, in order: first in the pipes that it came by, then in pooled buffers.
 *
 * <p>Runs on: its loop. Owns: what it borrowed; {@link #release} gives it back.
 *
 * <p>Bounds: {@value #PIPES_MAX} pipes, and the share that lends buffers; {@link #append} answers false when that is used up.
 */
final class Outbox {
    /** How much one call may move. */
    static final int SPLICE_BYTES_MAX = 4 * Loop.READ_BYTES_MAX;
    /** More are not held for one that is slow. */
    static final int PIPES_MAX = 8;

    private final Loop loop;
    private final RelaySocket socket;
    private final ChunkQueue queue;
    private final ArrayDeque<Pipe> pipes = new ArrayDeque<>(1);
    private int pipeBytes;
    private boolean pipeBroken;

    Outbox(Loop loop, RelaySocket socket, BufferShare.Lender lender) {
        this.loop = loop;
        this.socket = socket;
        this.queue = new ChunkQueue(lender);
    }

    boolean isEmpty() {
        return pipes.isEmpty() && queue.isEmpty();
    }

    int bytes() {
        return queue.bytes() + pipeBytes;
    }

    /** Whether the socket broke while what waits was written to it. */
    boolean isBroken() {
        return pipeBroken || queue.isBroken();
    }

    /** Copies all remaining bytes in; false when no buffer was lent for them (what fitted stays queued). */
    boolean append(ByteBuffer from) {
        return queue.append(from);
    }

    /** Whether {@link #splice} may be called although something waits, as all of it is in pipes. */
    boolean takesMoreByPipe() {
        return queue.isEmpty();
    }

    /**
     * Moves once what another socket has to this one; what is not taken waits. To be called when nothing waits, or when it {@link
     * #takesMoreByPipe}.
     *
     * @param most how many bytes at most
     * @return bytes that left the other socket, or what else {@link RelaySocket#read(Pipe, int)} answers
     */
    int splice(RelaySocket from, int most) {
        Pipe last = pipes.peekLast();
        if (last != null) {
            int more = from.read(last, most);
            pipeBytes += Math.max(0, more);
            if (more != 0 || pipes.size() == PIPES_MAX) {
                return more == 0 ? RelaySocket.NOT_SPLICED : more;
            }
            // It may be the pipe that is full: another one tells.
        }
        Pipe borrowed = from.splices() && socket.splices() ? loop.pipes().borrow() : null;
        if (borrowed == null) {
            return RelaySocket.NOT_SPLICED;
        }
        int count = from.read(borrowed, most);
        if (count <= 0) {
            borrowed.giveBack();
            return count;
        }
        pipes.addLast(borrowed);
        pipeBytes += count;
        return count;
    }

    /**
     * Writes as much as the socket takes, which {@link #isBroken} may cut short.
     *
     * @return bytes written
     */
    int flush() {
        int taken = 0;
        for (Pipe first = pipes.peekFirst(); first != null; first = pipes.peekFirst()) {
            int count = socket.isWritable() ? socket.write(first) : 0;
            if (count == RelaySocket.BROKEN) {
                pipeBroken = true;
                return taken;
            }
            taken += count;
            pipeBytes -= count;
            if (first.bytes() > 0) {
                return taken;
            }
            pipes.removeFirst();
            first.giveBack();
        }
        return taken + queue.writeTo(socket);
    }

    /** Drops all bytes and gives back what was borrowed. */
    void release() {
        for (Pipe left = pipes.pollFirst(); left != null; left = pipes.pollFirst()) {
            left.giveBack();
        }
        pipeBytes = 0;
        queue.release();
    }
}
