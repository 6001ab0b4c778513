package io.culvert.agent.relay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.base.BufferPool;
import io.culvert.testkit.Gen;
import java.io.ByteArrayOutputStream;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ChunkQueueTest {
    private static final int CHUNK = BufferPool.BUFFER_BYTES;

    private final BufferPool pool = new BufferPool(4L * CHUNK);
    private final ChunkQueue queue = new ChunkQueue(pool);

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
            BufferPool own = new BufferPool(64L * CHUNK);
            ChunkQueue one = new ChunkQueue(own);
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
            assertEquals(0, own.lent());
        });
    }

    @Test
    void saysWhenTheBudgetIsSpent_andKeepsWhatFitted() {
        ByteBuffer much = bytes(5 * CHUNK);
        assertFalse(queue.append(much));
        assertEquals(CHUNK, much.remaining());
        assertEquals(4 * CHUNK, queue.bytes());
        assertEquals(4, pool.lent());
        queue.release();
        assertEquals(0, pool.lent());
        assertTrue(queue.isEmpty());
    }

    @Test
    void tellsWhatItWrote_beforeTheSocketBroke() {
        assertTrue(queue.append(bytes(2 * CHUNK)));
        assertEquals(CHUNK, queue.writeTo(new Sink(CHUNK, true)));
        assertTrue(queue.isBroken());
        assertEquals(CHUNK, queue.bytes());
        queue.release();
        assertEquals(0, pool.lent());
    }

    @Test
    void handsItsBuffersOver() {
        assertTrue(queue.append(bytes(CHUNK + 10)));
        ByteBuffer first = Objects.requireNonNull(queue.poll());
        assertEquals(CHUNK, first.remaining());
        assertEquals(10, queue.bytes());
        pool.giveBack(first);
        ByteBuffer second = Objects.requireNonNull(queue.poll());
        assertEquals(10, second.remaining());
        pool.giveBack(second);
        assertNull(queue.poll());
        assertEquals(0, pool.lent());
    }
}
