package io.culvert.agent.base;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Set;
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
    void makesNoMoreBuffers_thanWereEverLentAtOnce() {
        BufferPool large = new BufferPool(200L * BufferPool.BUFFER_BYTES);
        Set<ByteBuffer> made = Collections.newSetFromMap(new IdentityHashMap<>());
        for (int round = 0; round < 20; round++) {
            List<ByteBuffer> lent = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                lent.add(Objects.requireNonNull(large.borrow()));
            }
            made.addAll(lent);
            lent.forEach(large::giveBack);
        }
        assertEquals(100, made.size(), "a buffer left to the collector is not free until it runs");
    }

    @Test
    void keepsNoMoreThanItMayLend() {
        ByteBuffer[] ticks = {pool.borrowForTick(), pool.borrowForTick(), pool.borrowForTick()};
        for (ByteBuffer tick : ticks) {
            pool.giveBackForTick(tick);
        }
        assertSame(ticks[1], pool.borrowForTick());
        assertSame(ticks[0], pool.borrowForTick());
        assertNotSame(ticks[2], pool.borrowForTick());
    }

    @Test
    void refusesMoreThanItLent() {
        ByteBuffer only = borrow();
        pool.giveBack(only);
        assertThrows(InvariantViolation.class, () -> pool.giveBack(only));
    }
}
