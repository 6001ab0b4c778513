package io.culvert.agent.relay;

import io.culvert.agent.base.BufferShare;
import io.culvert.agent.base.Chunk;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Bytes that a socket would not take yet, in order, in pooled buffers.
 *
 * <p>Runs on: its loop. Owns: the buffers it borrowed; {@link #release} gives them back.
 *
 * <p>Bounds: the share that lends; {@link #append} answers false when it is used up.
 */
public final class ChunkQueue {
    private final BufferShare.Lender lender;
    // Kept in reading state: position at the next byte to write, limit after the last byte appended.
    private final ArrayDeque<Chunk> chunks = new ArrayDeque<>(2);
    private int bytes;
    private boolean broken;

    public ChunkQueue(BufferShare.Lender lender) {
        this.lender = lender;
    }

    public boolean isEmpty() {
        return bytes == 0;
    }

    public int bytes() {
        return bytes;
    }

    /** Copies all remaining bytes in; false when no buffer was lent for them (what fitted stays queued). */
    public boolean append(ByteBuffer from) {
        while (from.hasRemaining()) {
            ByteBuffer last = roomFor(from.remaining());
            if (last == null) {
                return false;
            }
            int count = Math.min(from.remaining(), last.capacity() - last.limit());
            int end = last.limit();
            last.limit(end + count);
            last.put(end, from, from.position(), count);
            from.position(from.position() + count);
            bytes += count;
        }
        return true;
    }

    private @Nullable ByteBuffer roomFor(int count) {
        Chunk last = chunks.peekLast();
        if (last != null && last.bytes().limit() < last.bytes().capacity()) {
            return last.bytes();
        }
        // The more waits already, the more will: larger ones are fewer.
        Chunk fresh = lender.borrow(bytes + count);
        if (fresh == null) {
            return null;
        }
        chunks.addLast(fresh);
        return fresh.bytes().limit(0);
    }

    /**
     * Writes as much as the socket takes, which {@link #isBroken} may cut short.
     *
     * @return bytes written
     */
    public int writeTo(RelaySocket socket) {
        int total = 0;
        for (Chunk first = chunks.peekFirst(); first != null; first = chunks.peekFirst()) {
            int count = socket.write(first.bytes());
            if (count == RelaySocket.BROKEN) {
                broken = true;
                break;
            }
            total += count;
            if (first.bytes().hasRemaining()) {
                break;
            }
            chunks.removeFirst();
            first.giveBack();
        }
        bytes -= total;
        return total;
    }

    /** Whether the socket broke while bytes were written to it. */
    public boolean isBroken() {
        return broken;
    }

    /**
     * Moves as many bytes as the buffer has room for.
     *
     * @return bytes moved
     */
    public int moveTo(ByteBuffer into) {
        int total = 0;
        for (Chunk first = chunks.peekFirst(); first != null && into.hasRemaining(); first = chunks.peekFirst()) {
            ByteBuffer from = first.bytes();
            int count = Math.min(from.remaining(), into.remaining());
            into.put(into.position(), from, from.position(), count);
            into.position(into.position() + count);
            from.position(from.position() + count);
            total += count;
            if (!from.hasRemaining()) {
                chunks.removeFirst();
                first.giveBack();
            }
        }
        bytes -= total;
        return total;
    }

    /**
     * Takes the first buffer out: the bytes are the caller's to read, the buffer the caller's to give back.
     *
     * @return null when the queue is empty
     */
    public @Nullable Chunk poll() {
        Chunk first = chunks.pollFirst();
        if (first != null) {
            bytes -= first.bytes().remaining();
        }
        return first;
    }

    /** Drops all bytes and gives the buffers back. */
    public void release() {
        for (Chunk chunk = chunks.pollFirst(); chunk != null; chunk = chunks.pollFirst()) {
            chunk.giveBack();
        }
        bytes = 0;
    }
}
