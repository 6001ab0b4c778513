package io.culvert.agent.relay;

import io.culvert.agent.base.BufferShare;
import io.culvert.agent.base.Loop;
import io.culvert.agent.base.Pipe;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * What a socket would not take yet, in order: in the pipes that it came by, or in pooled buffers, by turns.
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

    /** Some pipes, then some buffers. */
    private static final class Round {
        private final ArrayDeque<Pipe> pipes = new ArrayDeque<>(1);
        private final ChunkQueue queue;
        private @Nullable Round next;

        Round(BufferShare.Lender lender) {
            this.queue = new ChunkQueue(lender);
        }

        boolean isEmpty() {
            return pipes.isEmpty() && queue.isEmpty();
        }
    }

    private final Loop loop;
    private final RelaySocket socket;
    private final BufferShare.Lender lender;
    private Round first;
    private Round last;
    private int pipes;
    private int bytes;
    private boolean broken;

    Outbox(Loop loop, RelaySocket socket, BufferShare.Lender lender) {
        this.loop = loop;
        this.socket = socket;
        this.lender = lender;
        first = new Round(lender);
        last = first;
    }

    boolean isEmpty() {
        return bytes == 0;
    }

    int bytes() {
        return bytes;
    }

    /** Whether the socket broke while what waits was written to it. */
    boolean isBroken() {
        return broken;
    }

    /** Copies all remaining bytes in; false when no buffer was lent for them (what fitted stays queued). */
    boolean append(ByteBuffer from) {
        int wanted = from.remaining();
        boolean fitted = last.queue.append(from);
        bytes += wanted - from.remaining();
        return fitted;
    }

    /**
     * Moves once what another socket has to this one, behind what waits already; what is not taken waits.
     *
     * @param most how many bytes at most
     * @return bytes that left the other socket, or what else {@link RelaySocket#read(Pipe, int)} answers
     */
    int splice(RelaySocket from, int most) {
        Pipe filled = last.queue.isEmpty() ? last.pipes.peekLast() : null;
        int count = filled == null ? 0 : from.read(filled, most);
        if (count == 0) {
            // It may be the pipe that is full: another one tells.
            count = spliceAnew(from, most);
        }
        bytes += Math.max(0, count);
        return count;
    }

    private int spliceAnew(RelaySocket from, int most) {
        boolean may = pipes < PIPES_MAX && from.splices() && socket.splices();
        Pipe borrowed = may ? loop.pipes().borrow() : null;
        if (borrowed == null) {
            return RelaySocket.NOT_SPLICED;
        }
        int count = from.read(borrowed, most);
        if (count <= 0) {
            borrowed.giveBack();
            return count;
        }
        if (!last.queue.isEmpty()) {
            Round next = new Round(lender);
            last.next = next;
            last = next;
        }
        last.pipes.addLast(borrowed);
        pipes++;
        return count;
    }

    /**
     * Writes as much as the socket takes, which {@link #isBroken} may cut short.
     *
     * @return bytes written
     */
    int flush() {
        int taken = flush(first);
        for (Round next = first.next; next != null && first.isEmpty(); next = first.next) {
            first = next;
            taken += flush(first);
        }
        bytes -= taken;
        return taken;
    }

    private int flush(Round round) {
        int taken = 0;
        for (Pipe pipe = round.pipes.peekFirst(); pipe != null; pipe = round.pipes.peekFirst()) {
            int count = socket.isWritable() ? socket.write(pipe) : 0;
            if (count == RelaySocket.BROKEN) {
                broken = true;
                return taken;
            }
            taken += count;
            if (pipe.bytes() > 0) {
                return taken;
            }
            round.pipes.removeFirst();
            pipes--;
            pipe.giveBack();
        }
        taken += round.queue.writeTo(socket);
        broken |= round.queue.isBroken();
        return taken;
    }

    /** Drops all bytes and gives back what was borrowed. */
    void release() {
        for (Round round = first; round != null; round = round.next) {
            for (Pipe left = round.pipes.pollFirst(); left != null; left = round.pipes.pollFirst()) {
                left.giveBack();
            }
            round.queue.release();
        }
        first.next = null;
        last = first;
        pipes = 0;
        bytes = 0;
    }
}
