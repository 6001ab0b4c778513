package io.culvert.protocol.hbone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.hbone.frame.AbuseKind;
import org.junit.jupiter.api.Test;

class ResetBudgetTest {
    private static final long SECOND = 1_000_000_000;

    @Test
    void rests_whenTheBurstIsSpent_untilSomeHasComeBack() {
        ResetBudget budget = new ResetBudget(5);
        budget.spend(ResetBudget.BURST - 1, 5);
        assertEquals(0, budget.restNanos(5));
        budget.spend(ResetBudget.BURST, 5);
        long rest = budget.restNanos(5);
        assertEquals(SECOND / ResetBudget.PER_SECOND, rest);
        assertEquals(0, budget.restNanos(5 + rest));
    }

    @Test
    void countsEachResetOnce() {
        ResetBudget budget = new ResetBudget(0);
        for (int i = 0; i < 10_000; i++) {
            budget.spend(1, 0);
        }
        assertEquals(0, budget.restNanos(0));
    }

    @Test
    void rests_longerForWhatWasResetBeyondIt() {
        ResetBudget budget = new ResetBudget(0);
        budget.spend(ResetBudget.BURST + ResetBudget.PER_SECOND, 0);
        assertTrue(budget.restNanos(0) > SECOND * 99 / 100);
        assertEquals(0, budget.restNanos(SECOND + SECOND / 100));
    }

    @Test
    void rests_afterARefusal() {
        ResetBudget budget = new ResetBudget(0);
        budget.refused(7);
        assertEquals(AbuseGuard.STEP_NANOS, budget.restNanos(7));
        assertEquals(0, budget.restNanos(7 + AbuseGuard.STEP_NANOS));
    }

    /** Whoever keeps to it never spends the peer's allowance, even when a second's worth arrives at once. */
    @Test
    void keepsWithinWhatThePeerAllows() {
        AbuseGuard guard = new AbuseGuard();
        ResetBudget budget = new ResetBudget(0);
        long resets = 0;
        long unseen = 0;
        for (long now = 0; now < 20 * SECOND; now += SECOND / 1_000) {
            for (int i = 0; i < 50 && budget.restNanos(now) == 0; i++) {
                budget.spend(++resets, now);
                unseen++;
            }
            if (now % (SECOND / 2) == 0) {
                guard.tick(now);
                while (unseen > 0) {
                    unseen--;
                    guard.spend(AbuseKind.UNUSED_RESET);
                }
                assertFalse(guard.isSpent(AbuseKind.UNUSED_RESET), "after " + now / SECOND + " s");
            }
        }
        assertTrue(resets > 19L * ResetBudget.PER_SECOND, resets + " resets");
    }
}
