package io.culvert.protocol.dns;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.net.IpAddress;
import io.culvert.testkit.DnsResponse;
import io.culvert.testkit.DnsWire;
import io.culvert.testkit.Gen;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class DnsFuzz {
    private static byte[] request(Gen gen) {
        List<String> labels = gen.list(6, each -> each.dnsLabel(20));
        String name = labels.isEmpty() ? "www" : String.join(".", labels);
        byte[] query = DnsWire.query(
                gen.intBetween(0, 65_535),
                gen.bool() ? DnsWire.mixed(name) : name,
                gen.pick(DnsWire.A, DnsWire.AAAA, DnsWire.SRV, gen.intBetween(0, 65_535)),
                gen.pick(-1, 0, 512, 1232, 4096, 65_535));
        return switch (gen.intBetween(0, 3)) {
            case 0 -> query;
            case 1 -> gen.bytes(80);
            case 2 -> pointing(gen, query);
            default -> gen.mutate(query);
        };
    }

    /** With pointers where they might lead astray. */
    private static byte[] pointing(Gen gen, byte[] message) {
        byte[] changed = message.clone();
        for (int i = gen.intBetween(1, 4); i > 0; i--) {
            int at = gen.intBetween(12, changed.length - 1);
            changed[at] = (byte) 0xc0;
            if (at + 1 < changed.length) {
                changed[at + 1] = (byte) gen.intBetween(0, changed.length);
            }
        }
        return changed;
    }

    @Test
    void everyRequestIsAnswered_withinItsBound_orTooShort() {
        Gen.forAll(40_000, gen -> {
            byte[] request = request(gen);
            switch (DnsRequest.parse(request)) {
                case DnsRequest.Fragment fragment -> assertTrue(request.length < 12);
                case DnsRequest.Malformed malformed ->
                    assertEquals(
                            1,
                            DnsWire.parse(DnsReply.error(request, DnsRcode.FORMERR))
                                    .rcode());
                case DnsRequest.Other other ->
                    assertEquals(
                            2,
                            DnsWire.parse(DnsReply.error(request, DnsRcode.SERVFAIL))
                                    .rcode());
                case DnsRequest.Lookup lookup -> answer(gen, request, lookup);
            }
        });
    }

    private static void answer(Gen gen, byte[] request, DnsRequest.Lookup lookup) {
        List<IpAddress> addresses = gen.list(
                200,
                each -> lookup.type() == DnsType.A
                        ? IpAddress.ofV4(each.intBetween(0, Integer.MAX_VALUE))
                        : new IpAddress(1 + each.longBetween(0, 1L << 60), each.anyLong()));
        int labels = lookup.name().labels().size();
        DnsName canonical = labels > 1 && gen.bool()
                ? new DnsName(lookup.name().labels().subList(0, gen.intBetween(1, labels - 1)))
                : null;
        int bytesMax = gen.bool() ? DnsReply.udpBytesMax(lookup) : DnsReply.TCP_BYTES_MAX;
        byte[] reply = DnsReply.addresses(request, lookup, canonical, addresses, 30, bytesMax);
        assertTrue(reply.length <= bytesMax);
        DnsWire.Answer answer = DnsWire.parse(reply);
        List<String> told = answer.data(lookup.type());
        assertEquals(told.size() < addresses.size(), answer.truncated());
        assertEquals(lookup.edns() != null, answer.ednsPayload() >= 512);
        assertTrue(DnsExchange.answers(request, reply));
    }

    @Test
    void anyAnswerIsJudged() {
        Gen.forAll(40_000, gen -> {
            byte[] request = request(gen);
            if (request.length >= 12) {
                byte[] truth = DnsReply.error(request, DnsRcode.NXDOMAIN);
                assertTrue(DnsExchange.answers(request, truth), () -> Arrays.toString(request));
                boolean _ = DnsExchange.answers(request, gen.bool() ? gen.mutate(truth) : gen.bytes(60));
            }
        });
    }

    @Test
    void whatIsKept_isGivenAgainWithTimesThatRunDown_andElseAsItWas() {
        Gen.forAll(40_000, gen -> {
            byte[] request = DnsWire.query(1, "www.example.org", gen.pick(DnsWire.A, DnsWire.AAAA), 1232);
            DnsResponse made = DnsResponse.to(request, gen.pick(0, 0, 0, 3));
            records(gen, made);
            records(gen, made.authority());
            if (gen.bool()) {
                made.soa("example.org", gen.intBetween(0, 5_000), gen.intBetween(0, 5_000));
            }
            records(gen, made.additional());
            byte[] response = made.edns(0).bytes();
            DnsCacheable kept = DnsCacheable.of(request, response);
            if (kept != null) {
                int age = gen.intBetween(0, kept.seconds() - 1);
                DnsWire.Answer then = DnsWire.parse(response);
                DnsWire.Answer now = DnsWire.parse(kept.given(5, age));
                assertEquals(5, now.id());
                assertEquals(then.records().size(), now.records().size());
                for (int i = 0; i < now.records().size(); i++) {
                    DnsWire.Rr before = then.records().get(i);
                    DnsWire.Rr after = now.records().get(i);
                    boolean nothing = before.type() == DnsType.SOA && after.ttl() == kept.seconds() - age;
                    assertTrue(nothing || before.ttl() - age == after.ttl(), () -> before + " became " + after);
                    assertTrue(after.ttl() > 0 && after.data().equals(before.data()));
                }
            }
        });
    }

    private static void records(Gen gen, DnsResponse into) {
        for (int left = gen.intBetween(0, 3); left > 0; left--) {
            int type = gen.pick(DnsWire.A, DnsWire.AAAA, DnsWire.SRV, 16);
            int[] data = new int[type == DnsWire.A ? 4 : type == DnsWire.AAAA ? 16 : gen.intBetween(0, 40)];
            into.record(type, gen.oneIn(30) ? 0 : gen.intBetween(1, 100_000), data);
        }
    }

    @Test
    void anyResponseIsKeptForABoundedTime_orNotAtAll() {
        Gen.forAll(60_000, gen -> {
            byte[] request = DnsWire.query(1, "www.example.org", DnsWire.A);
            byte[] truth = DnsResponse.to(request, gen.pick(0, 3))
                    .record(DnsWire.A, gen.intBetween(0, 1_000), 1, 2, 3, 4)
                    .authority()
                    .soa("example.org", 60, gen.intBetween(0, 100))
                    .additional()
                    .edns(0)
                    .bytes();
            byte[] response = switch (gen.intBetween(0, 2)) {
                case 0 -> pointing(gen, truth);
                case 1 -> gen.mutate(gen.mutate(truth));
                default -> gen.mutate(truth);
            };
            DnsCacheable kept = DnsCacheable.of(gen.oneIn(10) ? request(gen) : request, response);
            if (kept != null) {
                assertTrue(kept.seconds() >= 1 && kept.seconds() <= DnsCacheable.SECONDS_MAX);
                assertEquals(response.length, kept.given(7, kept.seconds() - 1).length);
                assertTrue(kept.bytes() >= response.length && kept.bytes() < 2 * response.length);
            }
        });
    }

    /** Names that each point at the one before: to follow them would take the square of the time. */
    @Test
    void longestResponse_isReadInNoTime() {
        byte[] request = DnsWire.query(1, "www.example.org", DnsWire.A);
        DnsResponse longest = DnsResponse.to(request, 0);
        for (int i = 0; i < 4_000; i++) {
            longest.record(DnsWire.A, 60, 1, 2, 3, 4);
        }
        byte[] response = longest.bytes();
        for (int at = request.length + 16; at < 16_384; at += 16) {
            int before = at - 16;
            response[at] = (byte) (0xc0 | before >> 8);
            response[at + 1] = (byte) before;
        }
        assertTimeout(Duration.ofSeconds(2), () -> {
            for (int i = 0; i < 100; i++) {
                DnsCacheable kept = DnsCacheable.of(request, response);
                assertEquals(60, kept == null ? 0 : kept.seconds());
            }
        });
    }

    @Test
    void everyStreamGivesItsMessages() {
        Gen.forAll(3_000, gen -> {
            List<byte[]> sent = gen.list(8, each -> each.bytes(each.oneIn(10) ? 60_000 : 300));
            ByteBuffer stream = ByteBuffer.allocate(
                    sent.stream().mapToInt(m -> m.length + 2).sum());
            sent.forEach(message -> stream.put(DnsFrames.framed(message)));
            stream.flip();
            DnsFrames frames = new DnsFrames();
            List<byte[]> got = new ArrayList<>();
            while (stream.hasRemaining()) {
                int count = Math.min(Math.min(stream.remaining(), frames.room()), gen.intBetween(1, 70_000));
                frames.add(stream.slice(stream.position(), count));
                stream.position(stream.position() + count);
                for (byte[] next = frames.next(); next != null; next = frames.next()) {
                    got.add(next);
                }
            }
            assertEquals(sent.size(), got.size());
            for (int i = 0; i < got.size(); i++) {
                assertArrayEquals(sent.get(i), got.get(i));
            }
        });
    }
}
