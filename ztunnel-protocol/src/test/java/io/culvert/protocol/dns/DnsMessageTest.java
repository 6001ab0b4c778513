package io.culvert.protocol.dns;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.net.IpAddress;
import io.culvert.testkit.DnsWire;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DnsMessageTest {
    private static DnsRequest.Lookup lookup(byte[] message) {
        return assertInstanceOf(DnsRequest.Lookup.class, DnsRequest.parse(message));
    }

    private static byte[] changed(byte[] message, int at, int value) {
        byte[] copy = message.clone();
        copy[at] = (byte) value;
        return copy;
    }

    @Test
    void readsAQuestionForAddresses_inSmallLetters() {
        assertEquals(
                new DnsRequest.Lookup(DnsName.parse("www.shop.example"), DnsType.A, null),
                DnsRequest.parse(DnsWire.query(7, "wWw.Shop.EXAMPLE", DnsWire.A)));
        assertEquals(
                new DnsRequest.Lookup(DnsName.parse("www"), DnsType.AAAA, new DnsRequest.Edns(1232, 0, false)),
                DnsRequest.parse(DnsWire.query(7, "www", DnsWire.AAAA, 1232)));
    }

    @Test
    void leavesToOthers_whatIsNotAnAddressOfAPlainName() {
        assertEquals(new DnsRequest.Other(33), DnsRequest.parse(DnsWire.query(7, "_http._tcp.www", DnsWire.SRV)));
        assertEquals(new DnsRequest.Other(65_280), DnsRequest.parse(DnsWire.query(7, "www", 65_280)));
        assertEquals(new DnsRequest.Other(-1), DnsRequest.parse(DnsWire.update(7, "example")));
        // The class is that of the Chaosnet.
        byte[] www = DnsWire.query(7, "www", DnsWire.A);
        assertEquals(new DnsRequest.Other(DnsType.A), DnsRequest.parse(changed(www, www.length - 1, 3)));
        // Two questions; a label with a dot in it; something behind the end; a record that is not EDNS.
        assertEquals(new DnsRequest.Other(-1), DnsRequest.parse(changed(www, 5, 2)));
        assertEquals(new DnsRequest.Other(DnsType.A), DnsRequest.parse(changed(www, 14, '.')));
        assertEquals(new DnsRequest.Other(DnsType.A), DnsRequest.parse(Arrays.copyOf(www, www.length + 1)));
        byte[] edns = DnsWire.query(7, "www", DnsWire.A, 512);
        assertEquals(new DnsRequest.Other(DnsType.A), DnsRequest.parse(changed(edns, edns.length - 9, 250)));
    }

    @Test
    void tellsWhatCannotBeRead_fromWhatCannotBeAnswered() {
        byte[] www = DnsWire.query(7, "www", DnsWire.A);
        assertInstanceOf(DnsRequest.Fragment.class, DnsRequest.parse(Arrays.copyOf(www, 11)));
        assertInstanceOf(DnsRequest.Malformed.class, DnsRequest.parse(Arrays.copyOf(www, 12)));
        assertInstanceOf(DnsRequest.Malformed.class, DnsRequest.parse(Arrays.copyOf(www, www.length - 1)));
        assertInstanceOf(DnsRequest.Malformed.class, DnsRequest.parse(changed(www, 2, 0x81)));
        assertInstanceOf(DnsRequest.Malformed.class, DnsRequest.parse(changed(www, 12, 0x40)));
    }

    @Test
    void refusesPointersThatLeadNowhere() {
        byte[] pointing = DnsWire.query(7, "www", DnsWire.A);
        for (int target : new int[] {0, 11, 12, 14, 200}) {
            pointing[12] = (byte) 0xc0;
            pointing[13] = (byte) target;
            assertInstanceOf(DnsRequest.Malformed.class, DnsRequest.parse(pointing), "to " + target);
        }
    }

    @Test
    void answersWithTheQuestionAsItWasSpelled_andRecordsInSmallLetters() {
        byte[] query = DnsWire.query(0xbeef, "Www.SHOP", DnsWire.A, 4096);
        DnsWire.Answer answer = DnsWire.parse(DnsReply.addresses(
                query,
                lookup(query),
                null,
                List.of(IpAddress.parse("10.0.0.1"), IpAddress.parse("10.0.0.2")),
                30,
                4096));
        assertEquals(
                new DnsWire.Answer(
                        0xbeef,
                        0x8580,
                        List.of("Www.SHOP 1"),
                        List.of(
                                new DnsWire.Rr("www.shop", DnsWire.A, 30, "10.0.0.1"),
                                new DnsWire.Rr("www.shop", DnsWire.A, 30, "10.0.0.2")),
                        4096),
                answer);
    }

    @Test
    void leadsToTheAddressesByTheCanonicalName() {
        byte[] query = DnsWire.query(1, "www.shop.svc.cluster.local", DnsWire.AAAA);
        DnsWire.Answer answer = DnsWire.parse(DnsReply.addresses(
                query, lookup(query), DnsName.parse("www.shop"), List.of(IpAddress.parse("2001:db8::1")), 30, 512));
        assertEquals(
                List.of(
                        new DnsWire.Rr("www.shop.svc.cluster.local", DnsWire.CNAME, 30, "www.shop"),
                        new DnsWire.Rr("www.shop", DnsWire.AAAA, 30, "2001:db8:0:0:0:0:0:1")),
                answer.records());
    }

    @Test
    void hasNoRecordsWhereThereAreNoAddresses_andNoError() {
        byte[] query = DnsWire.query(1, "www.shop.svc", DnsWire.AAAA);
        DnsWire.Answer answer =
                DnsWire.parse(DnsReply.addresses(query, lookup(query), DnsName.parse("www"), List.of(), 30, 512));
        assertEquals(List.of(), answer.records());
        assertEquals(0, answer.rcode());
        assertTrue(answer.authoritative());
        assertFalse(answer.truncated());
    }

    private static List<IpAddress> addresses(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> IpAddress.ofV4(0x0a000000 + i))
                .toList();
    }

    @Test
    void leavesOutWhatDoesNotFit_andSaysSo() {
        byte[] query = DnsWire.query(1, "large-response.example", DnsWire.A, 1232);
        byte[] cut = DnsReply.addresses(query, lookup(query), null, addresses(256), 30, 1232);
        DnsWire.Answer answer = DnsWire.parse(cut);
        assertTrue(answer.truncated());
        assertTrue(cut.length <= 1232, cut.length + " bytes");
        assertEquals((1232 - 12 - 28 - 11) / 16, answer.records().size());
        DnsWire.Answer whole =
                DnsWire.parse(DnsReply.addresses(query, lookup(query), null, addresses(256), 30, 65_535));
        assertFalse(whole.truncated());
        assertEquals(256, whole.records().size());
    }

    @Test
    void takesTheClientAtItsWordAboutLength() {
        assertEquals(512, DnsReply.udpBytesMax(lookup(DnsWire.query(1, "www", DnsWire.A))));
        assertEquals(512, DnsReply.udpBytesMax(lookup(DnsWire.query(1, "www", DnsWire.A, 100))));
        assertEquals(1232, DnsReply.udpBytesMax(lookup(DnsWire.query(1, "www", DnsWire.A, 1232))));
        assertEquals(65_507, DnsReply.udpBytesMax(lookup(DnsWire.query(1, "www", DnsWire.A, 65_535))));
    }

    @Test
    void saysWhatWentWrong_withTheQuestionIfItCanBeRead() {
        byte[] query = DnsWire.query(5, "www", DnsWire.SRV, 4096);
        assertEquals(
                new DnsWire.Answer(5, 0x8182, List.of("www 33"), List.of(), -1),
                DnsWire.parse(DnsReply.error(query, DnsRcode.SERVFAIL)));
        assertEquals(
                new DnsWire.Answer(5, 0x8181, List.of(), List.of(), -1),
                DnsWire.parse(DnsReply.error(Arrays.copyOf(query, 14), DnsRcode.FORMERR)));
    }

    @Test
    void changesOnlyTheId_ofWhatIsPassedOn() {
        byte[] query = DnsWire.query(5, "www", DnsWire.SRV, 4096);
        byte[] passedOn = DnsExchange.withId(query, 0xabcd);
        assertEquals(0xabcd, DnsExchange.id(passedOn));
        assertArrayEquals(query, DnsExchange.withId(passedOn, 5));
    }

    @Test
    void knowsTheAnswer_fromWhatIsNone() {
        byte[] query = DnsWire.query(5, "www.shop", DnsWire.SRV);
        byte[] answer = DnsWire.answer(query, 0, DnsWire.SRV, new byte[] {1, 2, 3});
        assertTrue(DnsExchange.answers(query, answer));
        assertTrue(DnsExchange.answers(query, changed(answer, 13, 'W')));
        assertFalse(DnsExchange.answers(query, changed(answer, 13, 'v')));
        assertFalse(DnsExchange.answers(query, changed(answer, 1, 6)));
        assertFalse(DnsExchange.answers(query, changed(answer, 2, 0x01)));
        assertFalse(DnsExchange.answers(query, changed(answer, 23, 34)));
        assertFalse(DnsExchange.answers(query, changed(answer, 5, 0)));
        assertFalse(DnsExchange.answers(query, Arrays.copyOf(answer, 14)));
        assertFalse(DnsExchange.answers(query, query));
        byte[] refused = DnsReply.error(Arrays.copyOf(query, 12), DnsRcode.REFUSED);
        assertTrue(DnsExchange.answers(query, refused));
        byte[] update = DnsWire.update(9, "example");
        assertTrue(DnsExchange.answers(update, DnsReply.error(Arrays.copyOf(update, 12), DnsRcode.NOERROR)));
    }

    @Test
    void takesMessagesOutOfAStream_howeverItIsCut() {
        byte[] first = DnsWire.query(1, "www", DnsWire.A);
        byte[] second = DnsWire.query(2, "shop", DnsWire.A);
        DnsFrames frames = new DnsFrames();
        ByteBuffer both = ByteBuffer.allocate(200)
                .put(DnsFrames.framed(first))
                .put(DnsFrames.framed(second))
                .flip();
        while (both.remaining() > 1) {
            frames.add(both.slice(both.position(), 1));
            both.get();
            if (both.position() == first.length + 2) {
                assertArrayEquals(first, frames.next());
            } else {
                assertNull(frames.next());
            }
        }
        frames.add(both);
        assertArrayEquals(second, frames.next());
        assertNull(frames.next());
        assertEquals(2 + 65_535, frames.room());
        assertThrows(IllegalArgumentException.class, () -> frames.add(ByteBuffer.allocate(65_538)));
    }

    @Test
    void takesASuffixOff_ifSomethingIsLeft() {
        DnsName name = DnsName.parse("www.shop.svc.");
        assertEquals(DnsName.parse("www"), name.before(DnsName.parse("shop.svc")));
        assertNull(name.before(DnsName.parse("www.shop.svc")));
        assertNull(name.before(DnsName.parse("op.svc")));
        assertThrows(IllegalArgumentException.class, () -> DnsName.parse("a..b"));
        assertThrows(IllegalArgumentException.class, () -> DnsName.parse("a".repeat(64)));
        assertThrows(IllegalArgumentException.class, () -> DnsName.parse("a.".repeat(128)));
    }
}
