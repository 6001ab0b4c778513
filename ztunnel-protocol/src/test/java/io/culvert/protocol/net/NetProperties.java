package io.culvert.protocol.net;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.protocol.Records;
import io.culvert.testkit.Gen;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class NetProperties {
    @Test
    void textReadsBackAsTheSameAddress() {
        Gen.forAll(20_000, gen -> {
            IpAddress ip = Records.ip(gen);
            assertEquals(ip, IpAddress.parse(ip.toString()));
            assertEquals(ip, IpAddress.ofBytes(ip.toBytes()));
        });
    }

    @Test
    void readsTheTextsOfThePlatform() {
        Gen.forAll(20_000, gen -> {
            IpAddress ip = Records.ip(gen);
            assertEquals(ip, IpAddress.parse(platform(ip).getHostAddress()));
            assertArrayEquals(platform(ip).getAddress(), ip.toBytes());
        });
    }

    @Test
    void whatItAcceptsThePlatformReadsAlike() {
        Gen.forAll(50_000, gen -> {
            String text = new String(
                    gen.mutate(Records.ip(gen).toString().getBytes(java.nio.charset.StandardCharsets.ISO_8859_1)),
                    java.nio.charset.StandardCharsets.ISO_8859_1);
            String other = gen.text("01f:.", 20);
            agreesWithThePlatform(gen.pick(text, other));
        });
    }

    private static void agreesWithThePlatform(String text) {
        Optional<IpAddress> ours = parse(text);
        ours.ifPresent(ip -> assertArrayEquals(InetAddress.ofLiteral(text).getAddress(), ip.toBytes(), text));
    }

    private static Optional<IpAddress> parse(String text) {
        try {
            return Optional.of(IpAddress.parse(text));
        } catch (IllegalArgumentException refused) {
            return Optional.empty();
        }
    }

    @Test
    void ordersAsUnsignedNumbers() {
        Gen.forAll(5_000, gen -> {
            IpAddress a = Records.ip(gen);
            IpAddress b = Records.ip(gen);
            assertEquals(Integer.signum(number(a).compareTo(number(b))), Integer.signum(a.compareTo(b)));
        });
    }

    @Test
    void prefixContainsWhatSharesItsLeadingBits() {
        Gen.forAll(20_000, gen -> {
            Cidr cidr = Records.cidr(gen);
            IpAddress near =
                    flip(cidr.network(), gen.intBetween(0, cidr.network().isV4() ? 31 : 127));
            IpAddress probe = gen.bool() ? near : Records.ip(gen);
            int host = (cidr.network().isV4() ? 32 : 128) - cidr.length();
            boolean expected = probe.isV4() == cidr.network().isV4()
                    && number(probe)
                            .shiftRight(host)
                            .equals(number(cidr.network()).shiftRight(host));
            assertEquals(expected, cidr.contains(probe), () -> cidr + " contains " + probe);
            assertEquals(cidr, Cidr.parse(cidr.toString()));
        });
    }

    private static IpAddress flip(IpAddress ip, int bit) {
        return bit < 64
                ? new IpAddress(ip.high(), ip.low() ^ 1L << bit)
                : new IpAddress(ip.high() ^ 1L << bit - 64, ip.low());
    }

    /** All 128 bits, an IPv4 address in its mapped form. */
    private static BigInteger number(IpAddress ip) {
        byte[] bytes = new byte[16];
        byte[] tail = ip.toBytes();
        System.arraycopy(tail, 0, bytes, 16 - tail.length, tail.length);
        if (tail.length == 4) {
            bytes[10] = -1;
            bytes[11] = -1;
        }
        return new BigInteger(1, bytes);
    }

    private static InetAddress platform(IpAddress ip) throws UnknownHostException {
        return InetAddress.getByAddress(ip.toBytes());
    }
}
