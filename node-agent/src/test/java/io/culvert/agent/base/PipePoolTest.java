package io.culvert.agent.base;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.culvert.shim.Errno;
import io.culvert.shim.ShimException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class PipePoolTest {
    private long nowNanos;
    private boolean refusing;
    private int asked;
    private final List<FakePipe> made = new ArrayList<>();
    private final PipePool pool = new PipePool(this::make, () -> nowNanos);

    private static final class FakePipe extends Pipe {
        private int bytes;
        private int closed;

        @Override
        public int bytes() {
            return bytes;
        }

        @Override
        protected void close() {
            closed++;
        }
    }

    private Pipe make() throws ShimException {
        asked++;
        if (refusing) {
            throw new ShimException("pipe2", Errno.EMFILE.number());
        }
        FakePipe fresh = new FakePipe();
        made.add(fresh);
        return fresh;
    }

    private static Pipe borrowed(PipeShare share) {
        Pipe pipe = share.borrow();
        assertNotNull(pipe);
        return pipe;
    }

    @Test
    void lendsTheLastOneUsed_firstAgain() {
        PipeShare share = pool.share();
        Pipe first = borrowed(share);
        Pipe second = borrowed(share);
        assertEquals(2, pool.lent());
        second.giveBack();
        first.giveBack();
        assertEquals(0, pool.lent());
        assertSame(first, borrowed(share));
        assertEquals(2, pool.made());
    }

    @Test
    void lendsNoShareMoreThanAQuarter_norAllMoreThanThereMayBe() {
        List<PipeShare> shares = List.of(pool.share(), pool.share(), pool.share(), pool.share(), pool.share());
        for (PipeShare share : shares.subList(0, 4)) {
            for (int i = 0; i < PipePool.SHARE_PIPES_MAX; i++) {
                borrowed(share);
            }
            assertNull(share.borrow());
        }
        assertEquals(PipePool.PIPES_MAX, pool.lent());
        assertNull(shares.getLast().borrow());
    }

    @Test
    void closesOneThatIsGivenBackWithBytesInIt() {
        Pipe pipe = borrowed(pool.share());
        made.getFirst().bytes = 1;
        pipe.giveBack();
        assertEquals(1, made.getFirst().closed);
        assertEquals(0, pool.made());
    }

    @Test
    void takesEachBackOnce() {
        Pipe pipe = borrowed(pool.share());
        pipe.giveBack();
        assertThrows(InvariantViolation.class, pipe::giveBack);
    }

    @Test
    void closesByHalvesWhatIsNotUsed() {
        PipeShare share = pool.share();
        List<Pipe> lent = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            lent.add(borrowed(share));
        }
        lent.forEach(Pipe::giveBack);
        pool.trim();
        assertEquals(8, pool.made(), "they were used since");
        pool.trim();
        assertEquals(4, pool.made());
        borrowed(share).giveBack();
        pool.trim();
        assertEquals(2, pool.made());
        pool.closeIdle();
        assertEquals(0, pool.made());
        for (FakePipe pipe : made) {
            assertEquals(1, pipe.closed);
        }
    }

    @Test
    void tellsWhoWaits_whenThereMayBeAPipeForIt() {
        List<PipeShare> shares = List.of(pool.share(), pool.share(), pool.share(), pool.share());
        List<Pipe> lent = new ArrayList<>();
        for (int i = 0; i < PipePool.PIPES_MAX; i++) {
            lent.add(borrowed(shares.get(i / PipePool.SHARE_PIPES_MAX)));
        }
        PipeShare other = pool.share();
        assertNull(other.borrow());
        List<String> told = new ArrayList<>();
        Runnable first = () -> told.add("first");
        Runnable second = () -> told.add("second");
        other.await(first);
        other.await(first);
        other.await(second);
        shares.getFirst().await(() -> told.add("of a full share"));
        lent.get(PipePool.SHARE_PIPES_MAX).giveBack();
        assertEquals(List.of("first"), told);
        lent.get(0).giveBack();
        assertEquals(List.of("first", "second", "of a full share"), told);
        lent.get(1).giveBack();
        assertEquals(3, told.size(), "nobody waits any more");
    }

    @Test
    void tellsNobodyWhoDoesNotWaitAnyMore_andLooksAgainInTime() {
        refusing = true;
        PipeShare share = pool.share();
        assertNull(share.borrow());
        List<String> told = new ArrayList<>();
        Runnable gone = () -> told.add("gone");
        share.await(gone);
        share.await(() -> told.add("there"));
        share.forget(gone);
        pool.trim();
        assertEquals(List.of("there"), told);
    }

    @Test
    void asksTheKernelForNoneForAWhile_onceItRefused() {
        PipeShare share = pool.share();
        refusing = true;
        assertNull(share.borrow());
        assertNull(share.borrow());
        assertEquals(1, asked);
        nowNanos += TimeUnit.SECONDS.toNanos(10);
        assertNull(share.borrow());
        assertEquals(2, asked);
        nowNanos += TimeUnit.SECONDS.toNanos(10);
        refusing = false;
        borrowed(share);
        borrowed(share);
        assertEquals(2, pool.lent());
    }
}
