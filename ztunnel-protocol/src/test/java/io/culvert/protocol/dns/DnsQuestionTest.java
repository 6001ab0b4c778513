package io.culvert.protocol.dns;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.culvert.protocol.net.IpAddress;
import io.culvert.testkit.DnsWire;
import io.culvert.testkit.Gen;
import java.util.List;
import org.junit.jupiter.api.Test;

class DnsQuestionTest {
    private static final DnsName NAME = DnsName.parse("web.demo");

    private static DnsRequest.Lookup lookup(byte[] request) {
        return assertInstanceOf(DnsRequest.Lookup.class, DnsRequest.parse(request));
    }

    @Test
    void asksAsAnyClientDoes() {
        assertArrayEquals(DnsWire.query(0, "web.demo", DnsWire.A, 1232), DnsQuestion.of(NAME, true));
        assertArrayEquals(DnsWire.query(0, "web.demo", DnsWire.AAAA, 1232), DnsQuestion.of(NAME, false));
    }

    @Test
    void readsTheFirstAddressOfTheFamily_behindANameThatLeadsToIt() {
        for (String address : List.of("10.0.0.1", "fd88::1")) {
            IpAddress first = IpAddress.parse(address);
            byte[] request = DnsQuestion.of(NAME, first.isV4());
            byte[] reply = DnsReply.addresses(
                    request,
                    lookup(request),
                    DnsName.parse("web"),
                    List.of(first, IpAddress.parse(first.isV4() ? "10.0.0.2" : "fd88::2")),
                    30,
                    1232);
            assertEquals(new DnsQuestion.Answer(0, false, first), DnsQuestion.answer(reply, first.isV4()));
            assertNull(DnsQuestion.answer(reply, !first.isV4()).first());
        }
    }

    @Test
    void tellsWhyThereIsNone() {
        byte[] request = DnsQuestion.of(NAME, true);
        assertEquals(
                new DnsQuestion.Answer(3, false, null),
                DnsQuestion.answer(DnsReply.error(request, DnsRcode.NXDOMAIN), true));
        byte[] empty = DnsReply.addresses(request, lookup(request), null, List.of(), 30, 512);
        assertEquals(new DnsQuestion.Answer(0, false, null), DnsQuestion.answer(empty, true));
        empty[2] |= 0x02;
        assertEquals(new DnsQuestion.Answer(0, true, null), DnsQuestion.answer(empty, true));
        assertEquals(new DnsQuestion.Answer(1, false, null), DnsQuestion.answer(new byte[11], true));
    }

    @Test
    void readsAnyBytes() {
        Gen.forAll(30_000, gen -> {
            byte[] request = DnsQuestion.of(NAME, true);
            byte[] reply = DnsReply.addresses(
                    request,
                    lookup(request),
                    null,
                    gen.list(20, each -> IpAddress.ofV4(each.intBetween(1, 99))),
                    9,
                    600);
            DnsQuestion.Answer answer = DnsQuestion.answer(gen.oneIn(4) ? gen.bytes(300) : gen.mutate(reply), true);
            IpAddress first = answer.first();
            assertEquals(true, first == null || first.isV4());
        });
    }
}
