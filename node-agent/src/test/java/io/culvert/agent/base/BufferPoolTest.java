package io.culvert.agent.base;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.testkit.Gen;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class BufferPoolTest {
    private static final long BYTES_MAX = 64L * BufferPool.LARGE;
    private static final long ORDINARY_MAX = BYTES_MAX / 4 * 3;

    private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
    private final BufferPool pool = new BufferPool(BYTES_MAX, tasks::addLast);
    private final BufferShare share = pool.share();
    private final BufferShare other = pool.share();

    private void runTasks() {
        for (Runnable task = tasks.pollFirst(); task != null; task = tasks.pollFirst()) {
            task.run();
        }
    }

    private static List<Chunk> allOf(BufferShare.Lender lender, int wanted) {
        List<Chunk> lent = new ArrayList<>();
        for (Chunk chunk = lender.borrow(wanted); chunk != null; chunk = lender.borrow(wanted)) {
            lent.add(chunk);
        }
        return lent;
    }

    private static Chunk some(@Nullable Chunk chunk) {
        return Objects.requireNonNull(chunk);
    }

    @Test
    void lendsNoMoreThanIsNeeded() {
        assertEquals(BufferPool.SMALL, some(share.borrow(1)).bytes().remaining());
        assertEquals(
                BufferPool.SMALL, some(share.borrow(BufferPool.SMALL)).bytes().remaining());
        assertEquals(
                BufferPool.RECORD,
                some(share.borrow(Loop.TLS_RECORD_BYTES_MAX)).bytes().remaining());
        assertEquals(BufferPool.LARGE, some(share.borrow(1 << 20)).bytes().remaining());
    }

    @Test
    void lendsClearedDirectBuffers_theLastOneUsedFirst() {
        Chunk used = some(share.borrow(1));
        Chunk later = some(share.borrow(1));
        assertTrue(used.bytes().isDirect());
        used.bytes().position(10).limit(20);
        later.giveBack();
        used.giveBack();
        Chunk again = some(other.borrow(1));
        assertSame(used, again);
        assertEquals(BufferPool.SMALL, again.bytes().remaining());
    }

    @Test
    void leavesAsMuchFree_asAnyShareHolds() {
        List<Chunk> held = allOf(share::borrow, BufferPool.LARGE);
        assertTrue(share.lentBytes() > ORDINARY_MAX / 2 - BufferPool.SMALL && share.lentBytes() <= ORDINARY_MAX / 2);
        assertEquals(0, share.slack());
        assertEquals(BufferPool.LARGE, other.slack());
        List<Chunk> others = allOf(other::borrow, BufferPool.LARGE);
        assertTrue(other.lentBytes() >= ORDINARY_MAX / 4 - BufferPool.SMALL, "half of what was left");
        assertNotNull(pool.share().borrow(1), "and the next one gets something too");
        held.forEach(Chunk::giveBack);
        others.forEach(Chunk::giveBack);
        assertEquals(0, share.lentBytes() + other.lentBytes());
    }

    @Test
    void keepsAReserve_forTunnels() {
        for (int i = 0; i < 100; i++) {
            List<Chunk> _ = allOf(pool.share()::borrow, BufferPool.LARGE);
        }
        assertNull(other.borrow(1));
        assertNotNull(other.borrowForRecord());
        assertNotNull(other.borrowForTunnel(BufferPool.LARGE));
        List<Chunk> held = allOf(share::borrowForTunnel, BufferPool.LARGE);
        assertTrue(held.size() > 3);
        assertNotNull(other.borrowForRecord(), "of the reserve, too, half stays free");
        assertNull(share.borrowForRecord());
    }

    @Test
    void exchangesABuffer_forOneThatIsGivenBackRightAfter() {
        List<Chunk> held = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            held.addAll(allOf(pool.share()::borrowForTunnel, BufferPool.LARGE));
        }
        long before = pool.lentBytes();
        Chunk batch = held.getFirst();
        Chunk waiting = some(batch.inExchange().borrow(batch.bytes().capacity()));
        batch.giveBack();
        assertEquals(before, pool.lentBytes());
        assertTrue(pool.madeBytes() <= BYTES_MAX, "the surplus was freed");
        waiting.giveBack();
    }

    @Test
    void staysWithinBounds_howeverManyExchange() {
        List<Chunk> waiting = new ArrayList<>();
        for (Chunk batch = share.borrowForTunnel(BufferPool.LARGE);
                batch != null;
                batch = share.borrowForTunnel(BufferPool.LARGE)) {
            waiting.add(some(batch.inExchange().borrow(BufferPool.LARGE - 100)));
            batch.giveBack();
            assertTrue(waiting.size() < 10_000, "it ends");
        }
        assertTrue(pool.lentBytes() <= BYTES_MAX);
        assertTrue(pool.reserve().free() > 0, "others keep their part of the reserve");
        waiting.forEach(Chunk::giveBack);
        assertEquals(0, pool.lentBytes());
    }

    @Test
    void letsWhoeverLeavesLittleRead_whileOthersLeaveMuch() {
        List<Chunk> held = new ArrayList<>();
        while (share.isAmple()) {
            held.add(some(share.borrow(BufferPool.LARGE)));
        }
        held.add(some(share.borrow(BufferPool.LARGE)));
        assertFalse(share.mayRead(1 << 20));
        assertTrue(share.mayRead(0));
        assertEquals(BufferPool.RECORD, share.readMax());
        List<String> told = new ArrayList<>();
        BufferWait.forRead(share, () -> told.add("much"), () -> 1 << 20).begin();
        BufferWait.forRead(share, () -> told.add("little"), () -> 0).begin();
        held.removeLast().giveBack();
        runTasks();
        assertEquals(List.of("little"), told);
        held.forEach(Chunk::giveBack);
        runTasks();
        assertEquals(List.of("little", "much"), told);
    }

    @Test
    void allowsLess_theMoreIsLent() {
        List<Integer> slacks = new ArrayList<>();
        List<Integer> connections = new ArrayList<>();
        for (int slack = share.slack(); slack > 0; slack = share.slack()) {
            if (slacks.isEmpty() || slacks.getLast() != slack) {
                slacks.add(slack);
                connections.add(0);
            }
            assertTrue(some(share.borrow(slack)).bytes().capacity() >= slack, "what may be read can be kept");
            connections.set(connections.size() - 1, connections.getLast() + 1);
        }
        assertEquals(List.of(BufferPool.LARGE, BufferPool.RECORD, BufferPool.SMALL), slacks);
        assertTrue(connections.getLast() > ORDINARY_MAX / 4 / BufferPool.SMALL - 10, connections::toString);
        assertEquals(1, share.pauseMark());
    }

    @Test
    void tellsWhoWaits_onceThereIsSomething_eldestFirst() {
        List<Chunk> held = allOf(share::borrow, BufferPool.LARGE);
        List<String> told = new ArrayList<>();
        BufferWait[] waits = new BufferWait[3];
        for (int i = 0; i < 3; i++) {
            int number = i;
            waits[i] = BufferWait.forSlack(share, () -> {
                told.add("told " + number);
                Chunk taken = share.borrow(BufferPool.LARGE);
                if (taken == null) {
                    waits[number].begin();
                }
            });
            waits[i].begin();
        }
        waits[0].end();
        runTasks();
        assertEquals(List.of(), told);
        held.removeLast().giveBack();
        runTasks();
        assertEquals(List.of("told 1"), told);
        held.removeLast().giveBack();
        runTasks();
        assertEquals(List.of("told 1", "told 2"), told);
    }

    @Test
    void isAmple_asLongAsAReadCanBeKept_andTellsWhenItIsAgain() {
        assertTrue(share.isAmple());
        List<Chunk> held = new ArrayList<>();
        while (share.isAmple()) {
            held.add(some(share.borrow(BufferPool.LARGE)));
        }
        for (int stream = 0; stream < 16; stream++) {
            assertTrue(share.borrow(BufferPool.SMALL) != null, "a read in many small pieces still fits");
        }
        int[] told = new int[1];
        BufferWait.forRead(share, () -> told[0]++, () -> 1 << 20).begin();
        held.removeLast().giveBack();
        runTasks();
        assertEquals(0, told[0], "one buffer is not enough");
        held.forEach(Chunk::giveBack);
        runTasks();
        assertEquals(1, told[0]);
        assertTrue(share.isAmple());
    }

    @Test
    void isShort_onceAnEighthIsLentToOne_orLessWhenOthersHoldMuch() {
        assertFalse(share.isShort());
        List<Chunk> held = new ArrayList<>();
        while (!share.isShort()) {
            held.add(some(share.borrow(BufferPool.LARGE)));
        }
        assertEquals(ORDINARY_MAX / 8 / BufferPool.LARGE + 1, held.size());
        assertFalse(other.isShort(), "it holds nothing");
        held.forEach(Chunk::giveBack);
        assertFalse(share.isShort());
    }

    @Test
    void tellsAllWhoWait_evenIfNobodyTakesAnything() {
        List<Chunk> held = allOf(share::borrow, BufferPool.LARGE);
        int[] told = new int[1];
        for (int i = 0; i < 1_000; i++) {
            BufferWait.forSlack(share, () -> told[0]++).begin();
        }
        held.removeLast().giveBack();
        runTasks();
        assertEquals(1_000, told[0]);
    }

    @Test
    void losesNobody_whateverIsLentAndGivenBack() {
        Gen.forAll(300, gen -> {
            ArrayDeque<Runnable> turns = new ArrayDeque<>();
            BufferPool one = new BufferPool(4L * BufferPool.LARGE, turns::addLast);
            List<BufferShare> shares = List.of(one.share(), one.share(), one.share());
            List<Chunk> held = new ArrayList<>();
            int[] waiting = new int[1];
            for (int i = 0; i < 300; i++) {
                BufferShare by = shares.get(gen.intBetween(0, 2));
                boolean tunnel = gen.bool();
                int wanted = gen.size(BufferPool.LARGE);
                if (gen.oneIn(3) && !held.isEmpty()) {
                    held.remove(gen.intBetween(0, held.size() - 1)).giveBack();
                } else {
                    Chunk lent = tunnel ? by.borrowForTunnel(wanted) : by.borrow(wanted);
                    if (lent != null) {
                        held.add(lent);
                    } else {
                        waiting[0]++;
                        Runnable told = () -> waiting[0]--;
                        (tunnel ? BufferWait.forTunnel(by, told) : BufferWait.forSlack(by, told)).begin();
                    }
                }
                assertTrue(one.madeBytes() <= 4L * BufferPool.LARGE);
                assertTrue(one.lentBytes() <= one.madeBytes());
                while (gen.bool() && !turns.isEmpty()) {
                    turns.removeFirst().run();
                }
            }
            held.forEach(Chunk::giveBack);
            while (!turns.isEmpty()) {
                turns.removeFirst().run();
            }
            assertEquals(0, one.lentBytes());
            assertEquals(0, waiting[0], "everybody was told");
        });
    }

    @Test
    void makesRoomForOneSize_byFreeingIdleOnesOfAnother() {
        for (int size : List.of(BufferPool.LARGE, BufferPool.SMALL, BufferPool.RECORD, BufferPool.LARGE)) {
            List<Chunk> held = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                held.addAll(allOf(pool.share()::borrowForTunnel, size));
            }
            assertTrue(pool.lentBytes() > BYTES_MAX / 10 * 9);
            assertTrue(pool.madeBytes() <= BYTES_MAX);
            held.forEach(Chunk::giveBack);
        }
    }

    @Test
    void givesMemoryBack_thatIsNotUsedForLong() {
        long before = directBytes();
        List<Chunk> held = allOf(share::borrow, BufferPool.LARGE);
        long most = pool.madeBytes();
        assertTrue(directBytes() >= before + most);
        held.forEach(Chunk::giveBack);
        assertEquals(most, pool.madeBytes());
        pool.trim();
        assertEquals(most, pool.madeBytes(), "all of it was in use since the last time");
        for (int i = 0; i < 12; i++) {
            some(share.borrow(BufferPool.LARGE)).giveBack();
            pool.trim();
        }
        assertEquals(BufferPool.LARGE, pool.madeBytes(), "but what is in use stays");
        assertTrue(directBytes() <= before + 2 * BufferPool.LARGE, "and the JVM has the rest back");
    }

    private static long directBytes() {
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .filter(each -> each.getName().equals("direct"))
                .mapToLong(BufferPoolMXBean::getMemoryUsed)
                .sum();
    }

    @Test
    void refusesMoreThanItLent() {
        Chunk only = some(share.borrow(1));
        only.giveBack();
        assertThrows(InvariantViolation.class, only::giveBack);
    }
}
