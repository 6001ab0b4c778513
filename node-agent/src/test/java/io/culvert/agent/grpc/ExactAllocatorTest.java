package io.culvert.agent.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import org.junit.jupiter.api.Test;

class ExactAllocatorTest {
    private final ExactAllocator allocator = ExactAllocator.SHARED;

    @Test
    void growsByLittle_neverBeyondTheBuffersOwnBound() {
        assertEquals(1_024, allocator.calculateNewCapacity(1, 10_000));
        assertEquals(33 * 1_024, allocator.calculateNewCapacity(32 * 1_024 + 1, Integer.MAX_VALUE));
        assertEquals(2_000, allocator.calculateNewCapacity(1_500, 2_000));
        assertEquals(Integer.MAX_VALUE, allocator.calculateNewCapacity(Integer.MAX_VALUE, Integer.MAX_VALUE));
    }

    @Test
    void knowsWhatItsBuffersHold_untilTheyAreLetGoOf() {
        long before = allocator.directBytes();
        ByteBuf buffer = allocator.directBuffer(100);
        assertTrue(buffer.isDirect());
        assertEquals(before + 100, allocator.directBytes());
        buffer.writeZero(3_000);
        assertEquals(before + 3_072, allocator.directBytes());
        ByteBuf slice = buffer.readRetainedSlice(10);
        buffer.release();
        assertEquals(before + 3_072, allocator.directBytes());
        slice.release();
        assertEquals(before, allocator.directBytes());
    }
}
