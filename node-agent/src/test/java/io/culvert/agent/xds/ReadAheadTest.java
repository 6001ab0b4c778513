package io.culvert.agent.xds;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.testkit.Gen;
import java.util.ArrayDeque;
import java.util.Deque;
import org.junit.jupiter.api.Test;

class ReadAheadTest {
    private final ReadAhead ahead = new ReadAhead();

    private int comesUntilItStops(int size) {
        int count = 1;
        while (ahead.came(size)) {
            count++;
        }
        return count;
    }

    @Test
    void asksForSmallOnes_upToANumber() {
        ahead.begin();
        assertEquals(ReadAhead.MESSAGES_MAX, comesUntilItStops(100));
        for (int i = 1; i < ReadAhead.MESSAGES_MAX / 2; i++) {
            assertFalse(ahead.taken(100));
        }
        assertTrue(ahead.taken(100), "half of them are taken");
        assertFalse(ahead.taken(100), "one is asked for already");
        assertTrue(ahead.came(100));
    }

    @Test
    void asksForNothingBesideALargeOne() {
        ahead.begin();
        assertTrue(ahead.came(ReadAhead.BYTES_MAX / 2));
        assertFalse(ahead.came(XdsClient.MESSAGE_BYTES_MAX));
        assertFalse(ahead.taken(ReadAhead.BYTES_MAX / 2));
        assertTrue(ahead.taken(XdsClient.MESSAGE_BYTES_MAX));
    }

    @Test
    void neverHoldsMore_andNeverStops_whateverComes() {
        Gen.forAll(200, gen -> {
            ReadAhead all = new ReadAhead();
            Deque<Integer> waiting = new ArrayDeque<>();
            all.begin();
            boolean asked = true;
            for (int i = 0; i < 2_000; i++) {
                if (asked && gen.oneIn(2)) {
                    long held = waiting.stream().mapToLong(each -> each).sum();
                    assertTrue(waiting.size() < ReadAhead.MESSAGES_MAX && held < ReadAhead.BYTES_MAX);
                    int size = gen.oneIn(20) ? gen.intBetween(0, 3 * ReadAhead.BYTES_MAX) : gen.intBetween(0, 2_000);
                    waiting.add(size);
                    asked = all.came(size);
                } else if (!waiting.isEmpty()) {
                    boolean now = all.taken(waiting.remove());
                    assertFalse(asked && now, "one at a time");
                    asked |= now;
                }
                assertTrue(asked || !waiting.isEmpty(), "nothing would ever come");
            }
        });
    }
}
