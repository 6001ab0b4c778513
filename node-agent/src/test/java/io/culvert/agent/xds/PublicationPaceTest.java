package io.culvert.agent.xds;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class PublicationPaceTest {
    private static final long MILLI = 1_000_000;

    private final PublicationPace pace = new PublicationPace();

    @Test
    void isDueAtOnce_atFirstAndAfterACalm() {
        assertEquals(0, pace.waitNanos(5));
        pace.published(0, MILLI);
        assertEquals(0, pace.waitNanos(100 * MILLI));
    }

    @Test
    void waitsAWhile_soonAfterAPublication() {
        pace.published(0, MILLI);
        assertEquals(PublicationPace.WAIT_MIN_NANOS, pace.waitNanos(MILLI));
        assertEquals(PublicationPace.WAIT_MIN_NANOS - 5 * MILLI, pace.waitNanos(6 * MILLI));
    }

    @Test
    void waitsTenTimesAsLongAsPublishingTook_upToACap() {
        pace.published(0, 10 * MILLI);
        assertEquals(100 * MILLI, pace.waitNanos(10 * MILLI));
        pace.published(0, 1_000 * MILLI);
        assertEquals(PublicationPace.WAIT_MAX_NANOS, pace.waitNanos(1_000 * MILLI));
    }
}
