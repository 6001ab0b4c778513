package io.culvert.protocol.socks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.Records;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.socks.SocksNegotiation.Step;
import io.culvert.testkit.Gen;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SocksNegotiationFuzz {
    private static SocksTarget target(Gen gen) {
        int port = gen.intBetween(0, 65_535);
        if (gen.bool()) {
            return new SocksTarget.Address(new IpPort(Records.ip(gen), port));
        }
        String name = gen.text("abcdefghijklmnopqrstuvwxyzABCZ0123456789-_.!~", 255);
        return new SocksTarget.Host(name.isEmpty() ? "x" : name, port);
    }

    private static byte[] greeting(Gen gen) {
        int[] methods = IntStream.range(0, gen.intBetween(1, 255))
                .map(i -> gen.intBetween(0, 255))
                .toArray();
        methods[gen.intBetween(0, methods.length - 1)] = 0;
        return Clients.greeting(methods);
    }

    /** However it is cut in pieces, a request is understood, and not a byte behind it is taken. */
    @Test
    void wellFormedRequestIsTaken_andNothingBehindIt() {
        Gen.forAll(20_000, gen -> {
            SocksTarget target = target(gen);
            byte[] greeting = greeting(gen);
            byte[] request = Clients.request(target);
            byte[] early = gen.bytes(300);
            ByteBuffer all = ByteBuffer.allocate(greeting.length + request.length + early.length);
            all.put(greeting).put(request).put(early).flip();
            SocksNegotiation negotiation = new SocksNegotiation();
            int pieceBytesMax = gen.pick(1, gen.intBetween(1, 40), Integer.MAX_VALUE);
            Step step = Clients.give(negotiation, all, pieceBytesMax);
            assertEquals(target, assertInstanceOf(Step.Request.class, step).target());
            assertArrayEquals(early, Arrays.copyOfRange(all.array(), all.position(), all.limit()));
        });
    }

    /** Whatever comes, it ends within the bound, and what it says is one of the protocol's answers. */
    @Test
    void anyBytesLeadToAStep() {
        Gen.forAll(60_000, gen -> {
            byte[] greeting = greeting(gen);
            byte[] request = Clients.request(target(gen));
            byte[] whole = Arrays.copyOf(greeting, greeting.length + request.length);
            System.arraycopy(request, 0, whole, greeting.length, request.length);
            ByteBuffer in = ByteBuffer.wrap(
                    switch (gen.intBetween(0, 2)) {
                        case 0 -> gen.bytes(600);
                        case 1 -> gen.mutate(whole);
                        default -> Arrays.copyOf(whole, gen.intBetween(0, whole.length));
                    });
            SocksNegotiation negotiation = new SocksNegotiation();
            Step step = Clients.give(negotiation, in, gen.pick(1, 7, Integer.MAX_VALUE));
            assertTrue(in.position() <= SocksNegotiation.BYTES_MAX);
            switch (step) {
                case Step.More _ -> assertEquals(in.limit(), in.position(), "it waits for more");
                case Step.Answer(SocksReply reply) -> assertEquals(SocksReply.NO_AUTHENTICATION, reply);
                case Step.Request(SocksTarget found) -> assertEquals(0, negotiation.wanted(), found.toString());
                case Step.Refusal(SocksReply reply, String why) -> {
                    assertEquals(0, negotiation.wanted(), why);
                    assertTrue(reply == SocksReply.NO_METHOD || reply == SocksReply.COMMAND_NOT_SUPPORTED);
                }
            }
        });
    }
}
