package io.culvert.protocol.dns;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.culvert.testkit.DnsResponse;
import io.culvert.testkit.DnsWire;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class DnsCacheableTest {
    private static final int NXDOMAIN = 3;
    private static final byte[] QUERY = DnsWire.query(7, "www.Example.org", DnsWire.A, 1232);

    private static DnsCacheable kept(DnsResponse response) {
        return Objects.requireNonNull(DnsCacheable.of(QUERY, response.bytes()), "it is cacheable");
    }

    private static void assertNotKept(DnsResponse response) {
        assertNull(DnsCacheable.of(QUERY, response.bytes()));
    }

    private static DnsResponse found() {
        return DnsResponse.to(QUERY, 0).record(DnsWire.A, 300, 10, 0, 0, 1);
    }

    private static byte[] changed(byte[] message, int at, int value) {
        byte[] copy = message.clone();
        copy[at] = (byte) value;
        return copy;
    }

    @Test
    void isGivenAgain_underAnotherId_withTimesThatRunDown() {
        DnsResponse response = found().record(DnsWire.A, 60, 10, 0, 0, 2)
                .authority()
                .recordOf("example.org", 2, 86_400, 0)
                .additional()
                .edns(0)
                .recordOf("ns.example.org", DnsWire.AAAA, 120, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
        DnsCacheable kept = kept(response);
        assertEquals(60, kept.seconds());
        assertArrayEquals(DnsExchange.withId(response.bytes(), 0xbeef), kept.given(0xbeef, 0));
        DnsWire.Answer later = DnsWire.parse(kept.given(9, 59));
        assertEquals(9, later.id());
        assertEquals(
                List.of(241L, 1L, 86_341L, 61L),
                later.records().stream().map(DnsWire.Rr::ttl).toList());
        assertEquals(1232, later.ednsPayload());
        // All but the times is as it was, what stands in the place of EDNS's among it.
        byte[] last = kept.given(7, 59);
        int edns = response.bytes().length - 11 - (16 + 10 + 16);
        assertArrayEquals(
                Arrays.copyOfRange(response.bytes(), edns, edns + 11), Arrays.copyOfRange(last, edns, edns + 11));
        assertThrows(IllegalArgumentException.class, () -> kept.given(7, 60));
        assertThrows(IllegalArgumentException.class, () -> kept.given(7, -1));
    }

    @Test
    void livesADayAtMost() {
        DnsResponse week = DnsResponse.to(QUERY, 0).record(DnsWire.A, 604_800, 10, 0, 0, 1);
        assertEquals(86_400, kept(week).seconds());
        assertEquals(
                604_800 - 86_399,
                DnsWire.parse(kept(week).given(1, 86_399)).records().getFirst().ttl());
    }

    @Test
    void followsAliases_toWhatWasAskedFor() {
        DnsResponse alias = DnsResponse.to(QUERY, 0)
                .record(DnsWire.CNAME, 20, 1, 'w', 0)
                .recordOf("w", DnsWire.A, 300, 10, 0, 0, 1);
        assertEquals(20, kept(alias).seconds());
    }

    @Test
    void livesAsItsZoneSays_whenThereIsNothing() {
        for (int rcode : new int[] {0, NXDOMAIN}) {
            assertEquals(
                    30,
                    kept(DnsResponse.to(QUERY, rcode).authority().soa("example.org", 900, 30))
                            .seconds());
            assertEquals(
                    40,
                    kept(DnsResponse.to(QUERY, rcode).authority().soa("example.org", 40, 900))
                            .seconds());
            assertEquals(
                    3_600,
                    kept(DnsResponse.to(QUERY, rcode).authority().soa("example.org", 86_400, 86_400))
                            .seconds());
        }
        DnsResponse alias = DnsResponse.to(QUERY, 0)
                .record(DnsWire.CNAME, 10, 1, 'w', 0)
                .authority()
                .soa("example.org", 900, 30);
        assertEquals(10, kept(alias).seconds());
    }

    @Test
    void isNotBelievedForLonger_byWhoIsToldThatThereIsNothing() {
        DnsCacheable kept = kept(DnsResponse.to(QUERY, NXDOMAIN).authority().soa("example.org", 900, 30));
        assertEquals(30, DnsWire.parse(kept.given(1, 0)).records().getFirst().ttl());
        assertEquals(5, DnsWire.parse(kept.given(1, 25)).records().getFirst().ttl());
    }

    @Test
    void isNone_whenNobodySaysHowLongThereIsNothing() {
        assertNotKept(DnsResponse.to(QUERY, NXDOMAIN));
        assertNotKept(DnsResponse.to(QUERY, 0));
        assertNotKept(DnsResponse.to(QUERY, 0).authority().recordOf("example.org", 2, 900, 0));
        assertNotKept(DnsResponse.to(QUERY, 0).record(DnsWire.CNAME, 300, 1, 'w', 0));
        assertNotKept(DnsResponse.to(QUERY, 0).record(DnsWire.AAAA, 300, new int[16]));
        // An SOA record tells it only from its own place.
        assertNotKept(DnsResponse.to(QUERY, NXDOMAIN).soa("example.org", 900, 30));
        assertNotKept(DnsResponse.to(QUERY, NXDOMAIN).additional().soa("example.org", 900, 30));
    }

    @Test
    void isNone_whenItMayBeKeptForNoTime() {
        assertNotKept(DnsResponse.to(QUERY, 0).record(DnsWire.A, 0, 10, 0, 0, 1));
        assertNotKept(found().additional().recordOf("x", DnsWire.A, 0, 10, 0, 0, 1));
        assertNotKept(DnsResponse.to(QUERY, 0).record(DnsWire.A, 0x8000_0000L, 10, 0, 0, 1));
        assertNotKept(DnsResponse.to(QUERY, NXDOMAIN).authority().soa("example.org", 900, 0));
        assertNotKept(DnsResponse.to(QUERY, NXDOMAIN).authority().soa("example.org", 900, 0xffff_ffffL));
        assertNotKept(DnsResponse.to(QUERY, NXDOMAIN).authority().soa("example.org", 0, 900));
    }

    @Test
    void isNone_whenItFailedOrWasCut() {
        for (int rcode : new int[] {1, 2, 4, 5, 9}) {
            assertNotKept(DnsResponse.to(QUERY, rcode).record(DnsWire.A, 300, 10, 0, 0, 1));
        }
        assertNotKept(found().flags(0x0200));
        assertNotKept(found().additional().edns(1));
        assertNotNull(DnsCacheable.of(QUERY, found().additional().edns(0).bytes()));
    }

    @Test
    void isNone_whenItWasNotAskedFor() {
        byte[] answer = found().bytes();
        assertNotNull(DnsCacheable.of(QUERY, answer));
        // No response, an update, no question, two of them, the question spelled otherwise, of another type and
        // class.
        assertNull(DnsCacheable.of(QUERY, changed(answer, 2, 0x01)));
        assertNull(DnsCacheable.of(QUERY, changed(answer, 2, 0xa9)));
        assertNull(DnsCacheable.of(QUERY, changed(answer, 5, 0)));
        assertNull(DnsCacheable.of(QUERY, changed(answer, 5, 2)));
        assertNull(DnsCacheable.of(QUERY, changed(answer, 13, 'W')));
        assertNull(DnsCacheable.of(QUERY, changed(answer, 12 + 17 + 1, DnsWire.AAAA)));
        assertNull(DnsCacheable.of(QUERY, changed(answer, 12 + 17 + 3, 3)));
    }

    @Test
    void isNone_forRequestsThatAreNoPlainQuery() {
        byte[] update = DnsWire.update(3, "example.org");
        assertNull(DnsCacheable.of(update, DnsWire.answer(update, 0, DnsWire.A, new byte[4])));
        for (int type : new int[] {0, 41, 249, 250, 251, 252, 255}) {
            byte[] query = DnsWire.query(3, "example.org", type);
            assertNull(DnsCacheable.of(
                    query, DnsResponse.to(query, 0).record(type, 300, 1).bytes()));
        }
        byte[] chaos = changed(DnsWire.query(3, "www", DnsWire.A), 12 + 5 + 3, 3);
        assertNull(DnsCacheable.of(
                chaos, DnsResponse.to(chaos, 0).record(DnsWire.A, 300, 1).bytes()));
        byte[] two = changed(QUERY, 5, 2);
        assertNull(DnsCacheable.of(two, changed(found().bytes(), 5, 2)));
        assertNull(DnsCacheable.of(Arrays.copyOf(QUERY, 14), found().bytes()));
    }

    @Test
    void isNone_whenItIsSigned_forWhoAsked() {
        for (int type : new int[] {24, 249, 250}) {
            assertNotKept(found().additional().recordOf("key", type, 300, 1, 2, 3));
        }
    }

    @Test
    void isNone_whenItsEdnsIsOutOfPlace() {
        assertNotKept(found().edns(0));
        assertNotKept(found().additional().edns(0).edns(0));
        assertNotKept(found().additional().recordOf("x", 41, 0));
    }

    @Test
    void isNone_whenItCannotBeReadWhole() {
        byte[] answer = found().authority().soa("example.org", 900, 30).bytes();
        assertNotNull(DnsCacheable.of(QUERY, answer));
        for (int length = 0; length < answer.length; length++) {
            assertNull(DnsCacheable.of(QUERY, Arrays.copyOf(answer, length)), length + " bytes");
        }
        assertNull(DnsCacheable.of(QUERY, Arrays.copyOf(answer, answer.length + 1)));
        assertNotKept(found().authority().soa("example.org", 900, 30).soa("org", 900, 30));
        assertNotKept(found().authority().recordOf("example.org", DnsType.SOA, 900, 0, 0, 1, 2, 3));
        // A pointer at itself, one into the header, one that goes on.
        int owner = 12 + 17 + 4;
        for (int target : new int[] {owner, 11, owner + 40}) {
            assertNull(DnsCacheable.of(QUERY, changed(found().bytes(), owner + 1, target)), "to " + target);
        }
    }
}
