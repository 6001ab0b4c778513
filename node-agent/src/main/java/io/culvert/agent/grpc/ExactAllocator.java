package io.culvert.agent.grpc;

import io.netty.buffer.AbstractByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledDirectByteBuf;
import io.netty.buffer.UnpooledHeapByteBuf;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Buffers about as large as what has to go into them, which are let go of at once: a large message comes once in a while and
 * stays in the transport's buffers until it is taken. A pool would keep its memory for ever, and of buffers that grow by
 * doubling it needs a quarter more.
 *
 * <p>Runs on: any.
 */
public final class ExactAllocator extends AbstractByteBufAllocator {
    /** The one that all channels to the mesh's servers share. */
    public static final ExactAllocator SHARED = new ExactAllocator();

    private static final int STEP = 1_024;

    private final AtomicLong directBytes = new AtomicLong();

    private ExactAllocator() {
        super(true);
    }

    /** How much memory outside the heap its buffers have now. */
    public long directBytes() {
        return directBytes.get();
    }

    @Override
    public int calculateNewCapacity(int wanted, int max) {
        // Not to the byte, for headers are written byte by byte.
        return (int) Math.min((wanted + (long) STEP - 1) / STEP * STEP, max);
    }

    @Override
    public boolean isDirectBufferPooled() {
        return false;
    }

    @Override
    protected ByteBuf newHeapBuffer(int initial, int max) {
        return new UnpooledHeapByteBuf(this, initial, max);
    }

    @Override
    protected ByteBuf newDirectBuffer(int initial, int max) {
        return new Counted(initial, max);
    }

    private final class Counted extends UnpooledDirectByteBuf {
        private Counted(int initial, int max) {
            super(ExactAllocator.this, initial, max);
            directBytes.addAndGet(initial);
        }

        @Override
        public ByteBuf capacity(int wanted) {
            int before = capacity();
            ByteBuf resized = super.capacity(wanted);
            directBytes.addAndGet(capacity() - before);
            return resized;
        }

        @Override
        protected void deallocate() {
            directBytes.addAndGet(-capacity());
            super.deallocate();
        }
    }
}
