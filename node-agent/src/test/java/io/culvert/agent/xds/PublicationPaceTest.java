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
    void waitsFourTimesAsLongAsPublishingTook_upToACap() {
        pace.published(0, 10 * MILLI);
        assertEquals(40 * MILLI, pace.waitNanos(10 * MILLI));
        pace.published(0, 20 * MILLI);
        pace.published(0, 20 * MILLI);
        assertEquals(80 * MILLI, pace.waitNanos(20 * MILLI));
        pace.published(0, 1_000 * MILLI);
        pace.published(0, 1_000 * MILLI);
        assertEquals(PublicationPace.WAIT_MAX_NANOS, pace.waitNanos(1_000 * MILLI));
    }

    @Test
    void isNotStretched_byOneThatTookLongForOnce() {
        pace.published(0, 10 * MILLI);
        pace.published(0, 400 * MILLI);
        assertEquals(40 * MILLI, pace.waitNanos(400 * MILLI));
        pace.published(0, 12 * MILLI);
        assertEquals(48 * MILLI, pace.waitNanos(12 * MILLI));
    }
}
