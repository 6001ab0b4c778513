package io.culvert.agent.relay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.base.BufferPool;
import io.culvert.agent.base.BufferShare;
import io.culvert.agent.base.Chunk;
import io.culvert.testkit.Gen;
import java.io.ByteArrayOutputStream;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ChunkQueueTest {
    private static final int CHUNK = BufferPool.LARGE;

    private final BufferPool pool = new BufferPool(16L * CHUNK, Runnable::run);
    private final BufferShare share = pool.share();
    private final ChunkQueue queue = new ChunkQueue(share::borrow);

    /** Takes so many bytes, then no more, or breaks. */
    private static final class Sink implements RelaySocket {
        private final ByteArrayOutputStream taken = new ByteArrayOutputStream();
        private int room;
        private boolean breaks;

        Sink(int room, boolean breaks) {
            this.room = room;
            this.breaks = breaks;
        }

        @Override
        public int write(ByteBuffer from) {
            if (room == 0 && breaks) {
                return BROKEN;
            }
            int count = Math.min(room, from.remaining());
            byte[] bytes = new byte[count];
            from.get(bytes);
            taken.writeBytes(bytes);
            room -= count;
            return count;
        }

        @Override
        public void listener(Listener next) {}

        @Override
        public boolean isReadable() {
            return false;
        }

        @Override
        public boolean isWritable() {
            return room > 0;
        }

        @Override
        public boolean errorSeen() {
            return false;
        }

        @Override
        public int read(ByteBuffer into) {
            return 0;
        }

        @Override
        public void shutdownWrite() {}

        @Override
        public void abort() {}

        @Override
        public void close() {}

        @Override
        public boolean isClosed() {
            return false;
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

    private static ByteBuffer bytes(int count) {
        ByteBuffer buffer = ByteBuffer.allocate(count);
        for (int i = 0; i < count; i++) {
            buffer.put(i, (byte) (i * 7 + (i >> 8)));
        }
        return buffer;
    }

    @Test
    void keepsBytesInOrder_whateverTheSizes() {
        Gen.forAll(200, gen -> {
            BufferPool own = new BufferPool(64L * CHUNK, Runnable::run);
            ChunkQueue one = new ChunkQueue(own.share()::borrow);
            ByteBuffer all = bytes(gen.size(400_000));
            Sink sink = new Sink(0, false);
            while (all.hasRemaining() || !one.isEmpty()) {
                int part = Math.min(all.remaining(), gen.size(150_000) + 1);
                assertTrue(one.append(all.slice(all.position(), part)));
                all.position(all.position() + part);
                sink.room = gen.size(200_000) + 1;
                int before = one.bytes();
                int taken = one.writeTo(sink);
                assertEquals(before - taken, one.bytes());
            }
            assertEquals(all.clear(), ByteBuffer.wrap(sink.taken.toByteArray()));
            assertEquals(0, own.lentBytes());
        });
    }

    @Test
    void saysWhenTheBudgetIsSpent_andKeepsWhatFitted() {
        ByteBuffer much = bytes(7 * CHUNK);
        assertFalse(queue.append(much));
        assertEquals(CHUNK, much.remaining(), "half of three quarters of sixteen");
        assertEquals(6 * CHUNK, queue.bytes());
        assertEquals(6 * CHUNK, pool.lentBytes());
        queue.release();
        assertEquals(0, pool.lentBytes());
        assertTrue(queue.isEmpty());
    }

    @Test
    void takesNoMoreMemory_thanItsBytesNeed() {
        assertTrue(queue.append(bytes(1)));
        assertEquals(BufferPool.SMALL, pool.lentBytes());
        assertTrue(queue.append(bytes(BufferPool.SMALL)));
        assertEquals(BufferPool.SMALL + BufferPool.RECORD, pool.lentBytes());
        queue.release();
        assertTrue(queue.append(bytes(BufferPool.RECORD + 1)));
        assertEquals(BufferPool.LARGE, pool.lentBytes());
        queue.release();
    }

    @Test
    void tellsWhatItWrote_beforeTheSocketBroke() {
        assertTrue(queue.append(bytes(2 * CHUNK)));
        assertEquals(CHUNK, queue.writeTo(new Sink(CHUNK, true)));
        assertTrue(queue.isBroken());
        assertEquals(CHUNK, queue.bytes());
        queue.release();
        assertEquals(0, pool.lentBytes());
    }

    @Test
    void handsItsBuffersOver() {
        assertTrue(queue.append(bytes(CHUNK + 10)));
        Chunk first = Objects.requireNonNull(queue.poll());
        assertEquals(CHUNK, first.bytes().remaining());
        assertEquals(10, queue.bytes());
        first.giveBack();
        Chunk second = Objects.requireNonNull(queue.poll());
        assertEquals(10, second.bytes().remaining());
        second.giveBack();
        assertNull(queue.poll());
        assertEquals(0, pool.lentBytes());
    }
}
