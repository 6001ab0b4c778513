package io.culvert.protocol.dns;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.net.IpAddress;
import io.culvert.testkit.DnsWire;
import io.culvert.testkit.Gen;
import java.nio.ByteBuffer;
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
