package io.culvert.agent.dns;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.sim.SimLoop;
import io.culvert.protocol.dns.DnsExchange;
import io.culvert.testkit.DnsResponse;
import io.culvert.testkit.DnsWire;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** An upstream that remembers, in virtual time, before one that does what the test says. */
class CachedUpstreamTest {
    private static final int NXDOMAIN = 3;
    private static final ResolvConf SERVERS = ResolvConf.parse("nameserver 10.0.0.53");
    private static final ResolvConf OTHERS = ResolvConf.parse("nameserver 10.0.0.54");

    private final SimLoop loop = new SimLoop(false);
    private final CacheSpace ofAllPods = new CacheSpace(Integer.MAX_VALUE, 1 << 20, null);
    private final CacheSpace space = new CacheSpace(100, 1 << 16, ofAllPods);
    private final AnswerCache cache = new AnswerCache(loop, space);
    private final List<Upstream.Listener> asked = new ArrayList<>();
    private final List<byte[]> answers = new ArrayList<>();
    private final List<String> failures = new ArrayList<>();
    private ResolvConf servers = SERVERS;
    private final CachedUpstream upstream = new CachedUpstream(
            (request, protocol, listener) -> {
                asked.add(listener);
                return () -> {};
            },
            cache,
            () -> servers);

    private void ask(byte[] request, DnsProtocol protocol) {
        Runnable _ = upstream.ask(request, protocol, new Upstream.Listener() {
            @Override
            public void onAnswer(byte[] response) {
                answers.add(response);
            }

            @Override
            public void onFailure(String why) {
                failures.add(why);
            }
        });
    }

    private void ask(byte[] request) {
        ask(request, DnsProtocol.UDP);
    }

    private static byte[] query(int id, String name) {
        return DnsWire.query(id, name, DnsWire.A, 1232);
    }

    private static byte[] found(byte[] request, long ttl) {
        return DnsResponse.to(request, 0).record(DnsWire.A, ttl, 10, 0, 0, 1).bytes();
    }

    /** Has it answered upstream. */
    private void know(byte[] request, byte[] response) {
        answers.clear();
        ask(request);
        asked.removeFirst().onAnswer(response);
        assertArrayEquals(response, answers.removeFirst());
    }

    private void know(String name, long ttl) {
        know(query(1, name), found(query(1, name), ttl));
    }

    private void assertAsked(byte[] request, boolean expected) {
        answers.clear();
        ask(request);
        assertEquals(expected ? 1 : 0, asked.size());
        assertEquals(expected ? 0 : 1, answers.size());
        asked.clear();
    }

    @Test
    void asksOnce_whileTheAnswerHolds_andTellsForHowLong() {
        know("www", 60);
        loop.runSeconds(20);
        assertAsked(query(0xbeef, "www"), false);
        DnsWire.Answer later = DnsWire.parse(answers.removeFirst());
        assertEquals(0xbeef, later.id());
        assertEquals(40, later.records().getFirst().ttl());
        assertEquals(List.of("10.0.0.1"), later.data(DnsWire.A));
        loop.run(TimeUnit.SECONDS.toNanos(40) - 1);
        assertAsked(query(2, "www"), false);
        assertEquals(
                1, DnsWire.parse(answers.removeFirst()).records().getFirst().ttl());
        loop.run(1);
        assertAsked(query(3, "www"), true);
        assertEquals(0, space.answers());
    }

    @Test
    void remembersThatThereIsNothing_forAsLongAsTheZoneSays() {
        byte[] request = query(1, "nobody.example.org");
        know(
                request,
                DnsResponse.to(request, NXDOMAIN)
                        .authority()
                        .soa("example.org", 900, 30)
                        .bytes());
        loop.runSeconds(29);
        assertAsked(query(5, "nobody.example.org"), false);
        assertEquals(NXDOMAIN, DnsWire.parse(answers.removeFirst()).rcode());
        loop.runSeconds(1);
        assertAsked(query(5, "nobody.example.org"), true);
    }

    @Test
    void givesAnswersOnlyToTheVerySameRequest() {
        know("www", 60);
        assertAsked(DnsWire.query(1, "www", DnsWire.A), true);
        assertAsked(DnsWire.query(1, "www", DnsWire.A, 4096), true);
        assertAsked(DnsWire.query(1, "www", DnsWire.AAAA, 1232), true);
        assertAsked(query(1, "Www"), true);
        byte[] unchecked = query(1, "www");
        unchecked[3] |= 0x10;
        assertAsked(unchecked, true);
        assertAsked(query(1, "www"), false);
    }

    @Test
    void keepsAnswersByTcpApart() {
        know("www", 60);
        ask(query(2, "www"), DnsProtocol.TCP);
        byte[] whole = DnsExchange.withId(found(query(1, "www"), 50), 2);
        asked.removeFirst().onAnswer(whole);
        ask(query(3, "www"), DnsProtocol.TCP);
        assertEquals(List.of(), asked);
        assertArrayEquals(DnsExchange.withId(whole, 3), answers.getLast());
        assertAsked(query(3, "www"), false);
        assertEquals(
                60, DnsWire.parse(answers.removeFirst()).records().getFirst().ttl());
    }

    @Test
    void remembersNeitherFailures_norWhatMayNotBeKept() {
        ask(query(1, "www"));
        asked.removeFirst().onFailure("nobody there");
        assertEquals(List.of("nobody there"), failures);
        know(query(1, "www"), DnsResponse.to(query(1, "www"), 2).bytes());
        know(query(1, "www"), found(query(1, "www"), 0));
        byte[] large = DnsResponse.to(query(1, "www"), 0)
                .record(16, 60, new int[AnswerCache.ANSWER_BYTES_MAX])
                .record(DnsWire.A, 60, 1, 1, 1, 1)
                .bytes();
        know(query(1, "www"), large);
        assertAsked(query(1, "www"), true);
        assertEquals(0, space.answers());
        assertEquals(0, loop.timers());
    }

    @Test
    void forgetsWhatOtherServersAnswered() {
        know("www", 60);
        servers = OTHERS;
        ask(query(1, "www"));
        assertEquals(1, asked.size());
        assertEquals(0, space.answers());
        // Asked of the ones, answered when others are in force; then those are back.
        servers = SERVERS;
        asked.removeFirst().onAnswer(found(query(1, "www"), 60));
        assertAsked(query(2, "www"), true);
        know("www", 60);
        servers = ResolvConf.parse("nameserver 10.0.0.53");
        assertAsked(query(2, "www"), false);
    }

    @Test
    void lateAnswer_takesThePlaceOfAnEarlierOne() {
        ask(query(1, "www"));
        ask(query(2, "www"));
        asked.removeFirst().onAnswer(found(query(1, "www"), 60));
        asked.removeFirst().onAnswer(found(query(2, "www"), 90));
        assertEquals(1, space.answers());
        assertAsked(query(3, "www"), false);
        assertEquals(
                90, DnsWire.parse(answers.removeFirst()).records().getFirst().ttl());
    }

    @Test
    void forgetsWhatWasLongestNotAskedFor_whenThereAreTooMany() {
        for (int i = 0; i < 100; i++) {
            know("n" + i, 60);
        }
        assertAsked(query(1, "n0"), false);
        know("further", 60);
        assertEquals(100, space.answers());
        assertAsked(query(1, "n0"), false);
        assertAsked(query(1, "further"), false);
        assertAsked(query(1, "n1"), true);
        assertAsked(query(1, "n2"), false);
    }

    @Test
    void keepsWithinItsBytes_andThoseOfAllPods() {
        for (int i = 0; i < 20; i++) {
            byte[] request = query(1, "n" + i);
            know(
                    request,
                    DnsResponse.to(request, 0)
                            .record(16, 60, new int[6_000])
                            .record(DnsWire.A, 60, 1, 1, 1, 1)
                            .bytes());
            assertTrue(space.bytes() <= 1 << 16, space.bytes() + " bytes");
        }
        assertEquals(10, space.answers());
        assertAsked(query(1, "n19"), false);
        assertAsked(query(1, "n9"), true);
        assertTrue(ofAllPods.take((1 << 20) - (int) ofAllPods.bytes()));
        know("small", 60);
        assertEquals(10, space.answers());
        assertAsked(query(1, "small"), false);
        cache.clear();
        assertTrue(ofAllPods.take((1 << 20) - (int) ofAllPods.bytes()));
        know("smaller", 60);
        assertEquals(0, space.answers());
        assertFalse(ofAllPods.take(1));
    }

    @Test
    void givesTheSpaceBack_ofWhatHasOutlivedItsTime_thoughNobodyAsks() {
        know("brief", 5);
        know("long", 80);
        assertEquals(2, space.answers());
        assertEquals(1, loop.timers());
        loop.runSeconds(30);
        assertEquals(1, space.answers());
        loop.runSeconds(60);
        assertEquals(0, space.answers());
        assertEquals(0, space.bytes());
        assertEquals(0, ofAllPods.bytes());
        assertEquals(0, loop.timers());
        know("anew", 5);
        assertEquals(1, loop.timers());
    }

    @Test
    void leavesNothing_whenClosed() {
        know("www", 60);
        ask(query(1, "late"));
        cache.close();
        assertEquals(0, loop.timers());
        asked.removeFirst().onAnswer(found(query(1, "late"), 60));
        assertEquals(1, answers.size());
        assertEquals(0, space.answers());
        assertEquals(0, ofAllPods.answers());
        assertEquals(0, ofAllPods.bytes());
    }
}
