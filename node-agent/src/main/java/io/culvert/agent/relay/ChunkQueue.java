package io.culvert.agent.relay;

import io.culvert.agent.base.BufferPool;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.function.Consumer;

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
     * Writes as much as the socket takes.
     *
     * @return bytes written, or {@link RelaySocket#BROKEN}
     */
    public int writeTo(RelaySocket socket) {
        int total = 0;
        while (true) {
            ByteBuffer first = chunks.peekFirst();
            if (first == null) {
                return total;
            }
            int count = socket.write(first);
            if (count == RelaySocket.BROKEN) {
                return RelaySocket.BROKEN;
            }
            total += count;
            bytes -= count;
            if (first.hasRemaining()) {
                return total;
            }
            chunks.removeFirst();
            pool.giveBack(first);
        }
    }

    /** Hands each buffer over in order, to be read to its end; the bytes stay queued until {@link #release}. */
    public void forEach(Consumer<ByteBuffer> reader) {
        chunks.forEach(reader);
    }

    /** Drops all bytes and gives the buffers back. */
    public void release() {
        for (ByteBuffer chunk = chunks.pollFirst(); chunk != null; chunk = chunks.pollFirst()) {
            pool.giveBack(chunk);
        }
        bytes = 0;
    }
}
