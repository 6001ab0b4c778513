package io.culvert.protocol.identity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.testkit.Gen;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class RenewalScheduleTest {
    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");
    private static final ValidityWindow DAY = new ValidityWindow(START, START.plus(Duration.ofHours(24)));
    private final RenewalSchedule schedule = RenewalSchedule.STANDARD;

    @Test
    void renewsAtHalfLife() {
        assertEquals(START.plus(Duration.ofHours(12)), schedule.renewAt(DAY, START, 0));
        assertEquals(START.plus(Duration.ofHours(12)), schedule.renewAt(DAY, START.plus(Duration.ofHours(3)), 0));
    }

    @Test
    void renewsUpToATenthOfTheLifeEarlierByChance() {
        Instant earliest = schedule.renewAt(DAY, START, 0.999_999);
        assertTrue(earliest.isBefore(START.plus(Duration.ofMinutes(576 + 1))), earliest::toString);
        assertFalse(earliest.isBefore(START.plus(Duration.ofMinutes(576))), earliest::toString);
    }

    @Test
    void renewsAtOnce_whenHalfIsOver() {
        Instant late = START.plus(Duration.ofHours(20));
        assertEquals(late.plusSeconds(1), schedule.renewAt(DAY, late, 0));
        Instant after = START.plus(Duration.ofDays(400));
        assertEquals(after.plusSeconds(1), schedule.renewAt(DAY, after, 0.5));
    }

    @Test
    void waitsNoLongerThanHalfALife_whenTheClockWasSetBack() {
        Instant before = START.minus(Duration.ofDays(5));
        assertEquals(before.plus(Duration.ofHours(12)), schedule.renewAt(DAY, before, 0));
    }

    @Test
    void waitsASecond_whenTheDatesMakeNoSense() {
        ValidityWindow reversed = new ValidityWindow(START, START.minusSeconds(60));
        assertEquals(START.plusSeconds(1), schedule.renewAt(reversed, START, 0.5));
        assertEquals(START.plusSeconds(1), schedule.renewAt(new ValidityWindow(START, START), START, 0.5));
    }

    @Test
    void survivesDatesAtTheEndsOfTime() {
        ValidityWindow ever = new ValidityWindow(Instant.EPOCH, Instant.MAX);
        assertEquals(START.plus(Duration.ofDays(30)), schedule.renewAt(ever, START, 0));
        ValidityWindow half = new ValidityWindow(Instant.MIN, Instant.MAX);
        assertEquals(START.plusSeconds(1), schedule.renewAt(half, START, 0));
        ValidityWindow never = new ValidityWindow(Instant.MAX, Instant.MIN);
        assertEquals(START.plusSeconds(1), schedule.renewAt(never, START, 0));
        ValidityWindow tooLate = new ValidityWindow(Instant.MIN, Instant.MIN.plusSeconds(10));
        assertEquals(START.plusSeconds(1), schedule.renewAt(tooLate, START, 0));
        ValidityWindow nineThousand = new ValidityWindow(START, Instant.parse("9999-12-31T23:59:59Z"));
        assertEquals(START.plus(Duration.ofDays(30)), schedule.renewAt(nineThousand, START, 0));
    }

    @Test
    void retriesAsTheBackoffSays_butNotAfterExpiry() {
        assertEquals(START.plusSeconds(1), schedule.retryAt(DAY, START, 1, 0.5));
        assertEquals(START.plusSeconds(30), schedule.retryAt(DAY, START, 20, 0.5));
        Instant tenLeft = DAY.notAfter().minusSeconds(10);
        assertEquals(DAY.notAfter(), schedule.retryAt(DAY, tenLeft, 20, 0.5));
        Instant over = DAY.notAfter().plusSeconds(1);
        assertEquals(over.plusSeconds(30), schedule.retryAt(DAY, over, 20, 0.5));
        assertEquals(START.plusSeconds(2), schedule.retryAt(START, 2, 0.5));
    }

    @Test
    void alwaysWaitsBetweenASecondAndHalfALife() {
        Gen.forAll(5_000, gen -> {
            Instant notBefore = START.plusSeconds(gen.longBetween(-1L << 33, 1L << 33));
            ValidityWindow window =
                    new ValidityWindow(notBefore, notBefore.plusSeconds(gen.longBetween(-100, 1L << 33)));
            Instant now = START.plusSeconds(gen.longBetween(-1L << 33, 1L << 33));
            Duration wait = Duration.between(now, schedule.renewAt(window, now, gen.intBetween(0, 999) / 1000.0));
            Duration half = window.length().dividedBy(2);
            assertTrue(wait.compareTo(Duration.ofSeconds(1)) >= 0, wait::toString);
            assertTrue(wait.compareTo(Duration.ofSeconds(1)) == 0 || wait.compareTo(half) <= 0, wait::toString);
            assertTrue(wait.compareTo(Duration.ofDays(30)) <= 0, wait::toString);
        });
    }

    @Test
    void windowKnowsItsEnds() {
        assertTrue(DAY.contains(START));
        assertTrue(DAY.contains(DAY.notAfter()));
        assertFalse(DAY.contains(START.minusNanos(1)));
        assertFalse(DAY.contains(DAY.notAfter().plusNanos(1)));
    }
}
