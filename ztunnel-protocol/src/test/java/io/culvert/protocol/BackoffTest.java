package io.culvert.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.testkit.Gen;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class BackoffTest {
    private static final double MIDDLE = 0.5;
    private final Backoff backoff = new Backoff(Duration.ofMillis(10), Duration.ofSeconds(15));

    @Test
    void doublesFromTheFirstDelayUpToTheCap() {
        assertEquals(Duration.ofMillis(10), backoff.delay(1, MIDDLE));
        assertEquals(Duration.ofMillis(20), backoff.delay(2, MIDDLE));
        assertEquals(Duration.ofMillis(10_240), backoff.delay(11, MIDDLE));
        assertEquals(Duration.ofSeconds(15), backoff.delay(12, MIDDLE));
        assertEquals(Duration.ofSeconds(15), backoff.delay(Integer.MAX_VALUE, 0.999));
    }

    @Test
    void spreadsByAFifthEitherWay() {
        assertEquals(Duration.ofMillis(8), backoff.delay(1, 0));
        assertTrue(backoff.delay(1, 0.999_999).compareTo(Duration.ofMillis(12)) <= 0);
        assertTrue(backoff.delay(1, 0.999_999).compareTo(Duration.ofNanos(11_990_000)) > 0);
    }

    @Test
    void staysPositiveAndWithinItsCap() {
        Gen.forAll(2_000, gen -> {
            Duration delay = backoff.delay(gen.intBetween(1, Integer.MAX_VALUE), gen.intBetween(0, 999) / 1000.0);
            assertTrue(delay.isPositive() && delay.compareTo(backoff.cap()) <= 0, delay::toString);
        });
    }

    @Test
    void refusesWhatIsNoBackoff() {
        assertThrows(IllegalArgumentException.class, () -> new Backoff(Duration.ZERO, Duration.ofSeconds(1)));
        assertThrows(IllegalArgumentException.class, () -> new Backoff(Duration.ofSeconds(2), Duration.ofSeconds(1)));
        assertThrows(IllegalArgumentException.class, () -> new Backoff(Duration.ofSeconds(2), Duration.ofDays(2)));
        assertThrows(IllegalArgumentException.class, () -> backoff.delay(0, MIDDLE));
        assertThrows(IllegalArgumentException.class, () -> backoff.delay(1, 1));
        assertThrows(IllegalArgumentException.class, () -> backoff.delay(1, Double.NaN));
    }
}
