package io.culvert.agent.resolve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.sim.SimLoop;
import io.culvert.protocol.net.IpAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class HostnameResolverTest {
    private final SimLoop loop = new SimLoop(false);
    private final Questions questions = new Questions();
    private final HostnameResolver resolver = new HostnameResolver(questions, loop::nanoTime, new SplittableRandom(1));

    /** Name servers that answer when the test says so. */
    private static final class Questions implements Lookup {
        private final Map<String, Listener> open = new HashMap<>();
        private int asked;

        @Override
        public void execute(Runnable task) {
            task.run();
        }

        @Override
        public void ask(String hostname, Listener listener) {
            asked++;
            open.put(hostname, listener);
        }

        void answer(String hostname, long validForSeconds, String... addresses) {
            answer(
                    hostname,
                    new Answer.Found(
                            List.of(addresses).stream().map(IpAddress::parse).toList(),
                            Duration.ofSeconds(validForSeconds)));
        }

        void answer(String hostname, Answer answer) {
            Listener told = open.remove(hostname);
            if (told == null) {
                throw new AssertionError("nobody asked for " + hostname);
            }
            told.onAnswer(answer);
        }
    }

    /** Somebody who wants an address. */
    private static final class Wish implements HostnameResolver.Listener {
        private final List<String> heard = new ArrayList<>();

        @Override
        public void onResolved(IpAddress ip) {
            heard.add(ip.toString());
        }

        @Override
        public void onUnresolved(String why) {
            heard.add("none: " + why);
        }
    }

    private Wish want(String hostname, boolean preferV4) {
        Wish wish = new Wish();
        Runnable _ = resolver.resolve(loop, hostname, preferV4, wish);
        return wish;
    }

    private String resolved(String hostname, boolean preferV4) {
        Wish wish = want(hostname, preferV4);
        loop.runSeconds(0);
        assertEquals(1, wish.heard.size(), wish.heard::toString);
        return wish.heard.getFirst();
    }

    @Test
    void asksOnceForAllThatWaitForAName() {
        Wish one = want("db.example", true);
        Wish other = want("db.example", true);
        questions.answer("db.example", 30, "192.0.2.1");
        loop.runSeconds(1);
        assertEquals(List.of("192.0.2.1"), one.heard);
        assertEquals(List.of("192.0.2.1"), other.heard);
        assertEquals(1, questions.asked);
    }

    @Test
    void keepsAnAnswerForAsLongAsItIsValid() {
        want("db.example", true);
        questions.answer("db.example", 30, "192.0.2.1");
        loop.runSeconds(29);
        assertEquals("192.0.2.1", resolved("db.example", true));
        assertEquals(1, questions.asked);
        loop.runSeconds(2);
        want("db.example", true);
        assertEquals(2, questions.asked);
    }

    @Test
    void keepsAnAnswerThatIsValidForNoTime_forASecond() {
        want("db.example", true);
        questions.answer("db.example", 0, "192.0.2.1");
        assertEquals("192.0.2.1", resolved("db.example", true));
        loop.runSeconds(2);
        want("db.example", true);
        assertEquals(2, questions.asked);
    }

    @Test
    void picksAnAddressOfTheWantedFamily_elseOfTheOther() {
        want("both.example", true);
        questions.answer("both.example", 30, "2001:db8::1", "192.0.2.1");
        want("six.example", true);
        questions.answer("six.example", 30, "2001:db8::2");
        assertEquals("192.0.2.1", resolved("both.example", true));
        assertEquals("2001:db8::1", resolved("both.example", false));
        assertEquals("2001:db8::2", resolved("six.example", true));
    }

    @Test
    void spreadsOverAllAddresses() {
        want("db.example", true);
        questions.answer("db.example", 30, "192.0.2.1", "192.0.2.2", "192.0.2.3");
        Set<String> picked = new HashSet<>();
        for (int i = 0; i < 100; i++) {
            picked.add(resolved("db.example", true));
        }
        assertEquals(Set.of("192.0.2.1", "192.0.2.2", "192.0.2.3"), picked);
    }

    @Test
    void tellsAFailure_andAsksAgainSoonAfter() {
        Wish wish = want("gone.example", true);
        questions.answer("gone.example", new Lookup.Answer.Failed("no such name"));
        loop.runSeconds(0);
        assertEquals(List.of("none: no such name"), wish.heard);
        assertEquals("none: no such name", resolved("gone.example", true));
        assertEquals(1, questions.asked);
        loop.runSeconds(2);
        want("gone.example", true);
        assertEquals(2, questions.asked);
    }

    @Test
    void givesUpWhenNobodyAnswers_andHearsNothingMore() {
        Wish wish = want("slow.example", true);
        loop.runSeconds(11);
        assertEquals(List.of("none: no name server answered in time"), wish.heard);
        questions.answer("slow.example", 30, "192.0.2.1");
        loop.runSeconds(1);
        assertEquals(1, wish.heard.size());
        assertEquals(
                "192.0.2.1", resolved("slow.example", true), "a late answer is an answer for those who come later");
        assertEquals(0, loop.timers());
    }

    @Test
    void hearsNothing_onceItsWishIsWithdrawn() {
        Wish wish = new Wish();
        Runnable withdraw = resolver.resolve(loop, "db.example", true, wish);
        withdraw.run();
        questions.answer("db.example", 30, "192.0.2.1");
        loop.runSeconds(20);
        assertEquals(List.of(), wish.heard);
        assertEquals(0, loop.timers());
    }

    @Test
    void forgetsTheEldestName_whenItKeepsTooMany() {
        for (int i = 0; i <= HostnameResolver.NAMES_MAX; i++) {
            want(i + ".example", true);
            questions.answer(i + ".example", 3_600, "192.0.2.1");
        }
        assertEquals(HostnameResolver.NAMES_MAX, resolver.names());
        int asked = questions.asked;
        want("1.example", true);
        assertEquals(asked, questions.asked);
        want("0.example", true);
        assertEquals(asked + 1, questions.asked);
    }

    @Test
    void refusesWhoeverComes_whenTooManyWait() {
        @Nullable Wish last = null;
        for (int i = 0; i <= HostnameResolver.WAITING_MAX; i++) {
            last = want("slow.example", true);
        }
        loop.runSeconds(0);
        assertTrue(last != null && last.heard.getFirst().startsWith("none: too many"));
        questions.answer("slow.example", 30, "192.0.2.1");
        loop.runSeconds(1);
        want("other.example", true);
        questions.answer("other.example", 30, "192.0.2.2");
        assertEquals("192.0.2.2", resolved("other.example", true));
    }
}
