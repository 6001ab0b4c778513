package io.culvert.agent.base;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class BufferPoolTest {
    private final BufferPool pool = new BufferPool(2L * BufferPool.BUFFER_BYTES);

    private ByteBuffer borrow() {
        return Objects.requireNonNull(pool.borrow());
    }

    @Test
    void lendsUpToItsBudget() {
        ByteBuffer first = borrow();
        ByteBuffer second = borrow();
        assertNull(pool.borrow());
        pool.giveBack(first);
        assertSame(first, borrow());
        pool.giveBack(first);
        pool.giveBack(second);
        assertEquals(0, pool.lent());
    }

    @Test
    void lendsAtLeastOne_howeverSmallTheBudget() {
        BufferPool small = new BufferPool(1);
        assertEquals(
                BufferPool.BUFFER_BYTES, Objects.requireNonNull(small.borrow()).remaining());
        assertNull(small.borrow());
    }

    @Test
    void lendsClearedDirectBuffers() {
        ByteBuffer used = borrow();
        assertTrue(used.isDirect());
        used.position(10).limit(20);
        pool.giveBack(used);
        assertEquals(BufferPool.BUFFER_BYTES, borrow().remaining());
    }

    @Test
    void lendsForATick_outsideTheBudget() {
        borrow();
        borrow();
        ByteBuffer tick = pool.borrowForTick();
        assertEquals(BufferPool.BUFFER_BYTES, tick.remaining());
        assertEquals(2, pool.lent());
        pool.giveBackForTick(tick.limit(5));
        assertEquals(BufferPool.BUFFER_BYTES, pool.borrowForTick().remaining());
    }

    @Test
    void refusesMoreThanItLent() {
        ByteBuffer only = borrow();
        pool.giveBack(only);
        assertThrows(InvariantViolation.class, () -> pool.giveBack(only));
    }
}
