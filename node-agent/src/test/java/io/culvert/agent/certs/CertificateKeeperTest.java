package io.culvert.agent.certs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.tls.TlsProfile;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.testkit.FakeInstantSource;
import io.culvert.testkit.FakeTicker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class CertificateKeeperTest {
    private static final SpiffeId ID = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/self");
    private static final Duration LIFETIME = Duration.ofHours(1);

    private final FakeInstantSource clock = new FakeInstantSource(TestCa.EPOCH);
    private final FakeTicker ticker = new FakeTicker();
    private final FakeCa ca = new FakeCa(clock);
    private final CertificateKeeper keeper = new CertificateKeeper(
            ID,
            new CertificateKeeper.Surroundings(
                    ca,
                    LIFETIME,
                    clock,
                    ticker::nanoTime,
                    () -> 0.5,
                    new CallGate(1),
                    CrlStore.none(),
                    TlsProfile.STANDARD),
            () -> {});

    private void pass(Duration time) {
        clock.advance(time);
        ticker.advance(time);
    }

    /** Looks every second for so long; returns how often the authority was asked. */
    private int lookFor(Duration time) {
        int before = ca.callCount();
        for (long i = 0; i < time.toSeconds(); i++) {
            pass(Duration.ofSeconds(1));
            keeper.look();
        }
        return ca.callCount() - before;
    }

    private TlsMaterial held() {
        return Objects.requireNonNull(keeper.current());
    }

    @Test
    void fetchesAtOnce_andThenLeavesItAlone() {
        assertNull(keeper.current());
        keeper.look();
        assertEquals(ID, held().id());
        assertEquals(0, lookFor(Duration.ofMinutes(20)));
    }

    @Test
    void renewsAboutHalfway() {
        keeper.look();
        TlsMaterial first = held();
        assertEquals(0, lookFor(Duration.ofMinutes(26)));
        assertEquals(1, lookFor(Duration.ofMinutes(5)));
        assertNotSame(first, held());
        assertEquals(1, lookFor(Duration.ofMinutes(31)));
    }

    @Test
    void doesNotAskWithoutEnd_howeverShortTheLife() {
        CertificateKeeper brief = new CertificateKeeper(
                ID,
                new CertificateKeeper.Surroundings(
                        ca,
                        Duration.ofSeconds(10),
                        clock,
                        ticker::nanoTime,
                        () -> 0.5,
                        new CallGate(1),
                        CrlStore.none(),
                        TlsProfile.STANDARD),
                () -> {});
        for (int i = 0; i < 60; i++) {
            brief.look();
            pass(Duration.ofSeconds(1));
        }
        assertTrue(ca.callCount() >= 10 && ca.callCount() <= 20, () -> ca.callCount() + " calls in a minute");
    }

    @Test
    void keepsWhatIsValid_whenARenewalFails() {
        keeper.look();
        TlsMaterial first = held();
        ca.fails = true;
        assertTrue(lookFor(Duration.ofMinutes(59)) > 1);
        assertSame(first, held());
        assertEquals("the authority is away", keeper.status().problem());
        lookFor(Duration.ofMinutes(2));
        assertNull(keeper.current(), "an expired certificate is none");
        ca.fails = false;
        lookFor(Duration.ofSeconds(16));
        assertNotSame(first, held());
        assertNull(keeper.status().problem());
    }

    @Test
    void backsOff_upToACap() {
        ca.fails = true;
        keeper.look();
        int firstMinute = lookFor(Duration.ofMinutes(1));
        assertTrue(firstMinute >= 5 && firstMinute <= 8, () -> firstMinute + " calls in the first minute");
        int later = lookFor(Duration.ofMinutes(10));
        assertTrue(later >= 38 && later <= 42, () -> later + " calls in ten minutes");
    }

    @Test
    void startsOverWithShortDelays_afterASuccess() {
        ca.fails = true;
        keeper.look();
        lookFor(Duration.ofMinutes(5));
        ca.fails = false;
        lookFor(Duration.ofSeconds(16));
        held();
        ca.fails = true;
        keeper.refresh();
        keeper.look();
        assertTrue(lookFor(Duration.ofSeconds(8)) >= 2);
    }

    @Test
    void renewsInTime_whenTheClockIsSetBack() {
        keeper.look();
        clock.advance(Duration.ofDays(-10));
        keeper.look();
        assertEquals(2, ca.callCount(), "what is not valid yet by our clock is fetched anew");
        assertEquals(0, lookFor(Duration.ofMinutes(20)));
        clock.advance(Duration.ofSeconds(-50));
        assertEquals(1, lookFor(Duration.ofMinutes(11)), "the time that passed counts, not the date");
    }

    @Test
    void renewsAtOnce_whenTheClockIsSetForward() {
        keeper.look();
        clock.advance(Duration.ofDays(10));
        assertNull(keeper.current());
        keeper.look();
        held();
        assertEquals(0, lookFor(Duration.ofMinutes(20)));
    }

    @Test
    void doesNotAskEverySecond_whenTheAuthoritysClockIsAhead() {
        ca.aheadOfUs = Duration.ofMinutes(10);
        keeper.look();
        int calls = lookFor(Duration.ofMinutes(5));
        assertTrue(calls <= 25, () -> calls + " calls in five minutes");
        held();
    }

    @Test
    void refusesACertificateOfAnotherIdentity() {
        ca.answersForAnother = true;
        keeper.look();
        assertNull(keeper.current());
        assertTrue(String.valueOf(keeper.status().problem()).contains("another identity"));
    }

    @Test
    void tellsWhoWaits_once() {
        List<TlsMaterial> told = new ArrayList<>();
        Runnable _ = keeper.whenAvailable(told::add);
        assertEquals(0, told.size());
        keeper.look();
        assertEquals(1, told.size());
        keeper.refresh();
        keeper.look();
        assertEquals(1, told.size());
        Runnable _ = keeper.whenAvailable(told::add);
        assertSame(keeper.current(), told.getLast());
    }

    @Test
    void tellsNobody_whoWithdrewOrWhenStopped() {
        List<TlsMaterial> told = new ArrayList<>();
        keeper.whenAvailable(told::add).run();
        Runnable _ = keeper.whenAvailable(told::add);
        keeper.stop();
        keeper.look();
        assertEquals(0, told.size());
    }

    @Test
    void tellsTheOthers_whenOneOfThemFails() {
        List<TlsMaterial> told = new ArrayList<>();
        Runnable _ = keeper.whenAvailable(material -> {
            throw new IllegalStateException("the loop is gone");
        });
        Runnable _ = keeper.whenAvailable(told::add);
        keeper.look();
        assertEquals(1, told.size());
        assertNull(keeper.status().problem());
    }

    @Test
    void asksAgainWithinASecond_whenAConnectionComesToWait() {
        ca.fails = true;
        ca.failure = CaClient.IssueException.Kind.REFUSED;
        keeper.look();
        lookFor(Duration.ofMinutes(5));
        ca.fails = false;
        Runnable _ = keeper.whenAvailable(material -> {});
        assertEquals(1, lookFor(Duration.ofSeconds(1)));
        held();
    }

    @Test
    void isNotDrivenByConnections_moreThanOnceASecond() {
        ca.fails = true;
        keeper.look();
        lookFor(Duration.ofMinutes(5));
        int before = ca.callCount();
        for (int i = 0; i < 100; i++) {
            Runnable _ = keeper.whenAvailable(material -> {});
            keeper.look();
            pass(Duration.ofMillis(100));
        }
        int calls = ca.callCount() - before;
        assertTrue(calls >= 8 && calls <= 11, () -> calls + " calls in ten seconds");
    }

    @Test
    void asksAgain_whenTheAuthorityIsBack_unlessItRefused() {
        ca.fails = true;
        keeper.look();
        lookFor(Duration.ofMinutes(5));
        pass(Duration.ofSeconds(1));
        keeper.look();
        int before = ca.callCount();
        pass(Duration.ofSeconds(1));
        keeper.authorityIsBack();
        keeper.look();
        assertEquals(before + 1, ca.callCount());
        ca.failure = CaClient.IssueException.Kind.REFUSED;
        lookFor(Duration.ofSeconds(16));
        before = ca.callCount();
        pass(Duration.ofSeconds(1));
        keeper.authorityIsBack();
        keeper.look();
        assertEquals(before, ca.callCount());
    }
}
