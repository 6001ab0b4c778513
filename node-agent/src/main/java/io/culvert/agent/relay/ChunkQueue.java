package io.culvert.agent.relay;

import io.culvert.agent.base.BufferPool;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Bytes that a socket would not take yet, in order, in pooled buffers.
 *
 * <p>Runs on: its loop. Owns: the buffers it borrowed; {@link #release} gives them back.
 *
 * <p>Bounds: the pool's budget; {@link #append} answers false when it is spent.
 */
public final class ChunkQueue {
    private final BufferPool pool;
    // Kept in reading state: position at the next byte to write, limit after the last byte appended.
    private final ArrayDeque<ByteBuffer> chunks = new ArrayDeque<>(2);
    private int bytes;
    private boolean broken;

    public ChunkQueue(BufferPool pool) {
        this.pool = pool;
    }

    public boolean isEmpty() {
        return bytes == 0;
    }

    public int bytes() {
        return bytes;
    }

    /** Copies all remaining bytes in; false when the pool's budget did not allow it (what fitted stays queued). */
    public boolean append(ByteBuffer from) {
        while (from.hasRemaining()) {
            ByteBuffer last = chunks.peekLast();
            if (last == null || last.limit() == last.capacity()) {
                ByteBuffer fresh = pool.borrow();
                if (fresh == null) {
                    return false;
                }
                last = fresh.limit(0);
                chunks.addLast(last);
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

    /**
     * Writes as much as the socket takes, which {@link #isBroken} may cut short.
     *
     * @return bytes written
     */
    public int writeTo(RelaySocket socket) {
        int total = 0;
        for (ByteBuffer first = chunks.peekFirst(); first != null; first = chunks.peekFirst()) {
            int count = socket.write(first);
            if (count == RelaySocket.BROKEN) {
                broken = true;
                break;
            }
            total += count;
            if (first.hasRemaining()) {
                break;
            }
            chunks.removeFirst();
            pool.giveBack(first);
        }
        bytes -= total;
        return total;
    }

    /** Whether the socket broke while bytes were written to it. */
    public boolean isBroken() {
        return broken;
    }

    /**
     * Takes the first buffer out: the bytes are the caller's to read, the buffer the caller's to give back to the pool.
     *
     * @return null when the queue is empty
     */
    public @Nullable ByteBuffer poll() {
        ByteBuffer first = chunks.pollFirst();
        if (first != null) {
            bytes -= first.remaining();
        }
        return first;
    }

    /** Drops all bytes and gives the buffers back. */
    public void release() {
        for (ByteBuffer chunk = chunks.pollFirst(); chunk != null; chunk = chunks.pollFirst()) {
            pool.giveBack(chunk);
        }
        bytes = 0;
    }
}
