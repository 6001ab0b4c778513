package io.culvert.protocol.socks;

import static io.culvert.protocol.socks.Clients.greeting;
import static io.culvert.protocol.socks.Clients.hex;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.socks.SocksNegotiation.Step;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SocksNegotiationTest {
    private static final String NOT_SUPPORTED = "05070001000000000000";

    private final SocksNegotiation negotiation = new SocksNegotiation();

    private Step give(String hex) {
        return Clients.give(negotiation, ByteBuffer.wrap(hex(hex)), Integer.MAX_VALUE);
    }

    private void greet() {
        Step.Answer answer = assertInstanceOf(Step.Answer.class, give("0501 00"));
        assertArrayEquals(hex("0500"), answer.reply().bytes());
    }

    private SocksTarget asked(String hex) {
        return assertInstanceOf(Step.Request.class, give(hex)).target();
    }

    @Test
    void takesAnAddressOfEitherFamily() {
        greet();
        assertEquals(
                new SocksTarget.Address(new IpPort(IpAddress.parse("10.0.0.1"), 443)), asked("05010001 0a000001 01bb"));
    }

    @Test
    void takesAnIpv6Address() {
        greet();
        assertEquals(
                new SocksTarget.Address(new IpPort(IpAddress.parse("fd88::1"), 65_535)),
                asked("05010004 fd880000000000000000000000000001 ffff"));
    }

    @Test
    void takesAMappedAddress_forTheIpv4AddressThatItIs() {
        greet();
        assertEquals(
                new SocksTarget.Address(new IpPort(IpAddress.parse("10.0.0.1"), 80)),
                asked("05010004 00000000000000000000ffff0a000001 0050"));
    }

    @Test
    void takesAName() {
        greet();
        assertEquals(new SocksTarget.Host("web.demo", 8080), asked("05010003 08 7765622e64656d6f 1f90"));
    }

    @Test
    void choosesNoAuthentication_amongManyMethods() {
        Step step = Clients.give(negotiation, ByteBuffer.wrap(greeting(2, 1, 0x80, 0)), 1);
        assertArrayEquals(
                hex("0500"), assertInstanceOf(Step.Answer.class, step).reply().bytes());
    }

    @ParameterizedTest
    @ValueSource(strings = {"0501 02", "0500", "0503 01 02 ff"})
    void refusesWhoInsistsOnAuthentication(String greeting) {
        Step.Refusal refusal = assertInstanceOf(Step.Refusal.class, give(greeting));
        assertArrayEquals(hex("05ff"), refusal.reply().bytes());
        assertEquals(0, negotiation.wanted());
    }

    @ParameterizedTest
    @CsvSource({
        // Of another version, or no SOCKS at all.
        "04010050, it does not speak SOCKS version 5",
        "474554202f20485454502f312e31, it does not speak SOCKS version 5",
    })
    void refusesOtherProtocols(String hex, String why) {
        Step.Refusal refusal = assertInstanceOf(Step.Refusal.class, give(hex));
        assertEquals(why, refusal.why());
        assertArrayEquals(hex(NOT_SUPPORTED), refusal.reply().bytes());
    }

    @ParameterizedTest
    @CsvSource({
        "04010001 0a000001 0050, its SOCKS request is malformed",
        "05010101 0a000001 0050, its SOCKS request is malformed",
        "05020001 0a000001 0050, 'its SOCKS command is 2, not CONNECT'",
        "05030001 0a000001 0050, 'its SOCKS command is 3, not CONNECT'",
        "05010002 0a000001 0050, its SOCKS address is of type 2",
        "05010003 00 0050, its SOCKS request names nobody",
        "05010003 03 610062 0050, its SOCKS request has a name with other characters than visible ASCII",
        "05010003 03 61c3a4 0050, its SOCKS request has a name with other characters than visible ASCII",
        "05010003 03 612062 0050, its SOCKS request has a name with other characters than visible ASCII",
    })
    void refusesWhatIsNoRequestToConnect(String hex, String why) {
        greet();
        Step.Refusal refusal = assertInstanceOf(Step.Refusal.class, give(hex));
        assertEquals(why, refusal.why());
        assertArrayEquals(hex(NOT_SUPPORTED), refusal.reply().bytes());
        assertEquals(0, negotiation.wanted());
    }

    @Test
    void takesNothingMore_onceItIsOver() {
        greet();
        SocksTarget target = asked("05010001 0a000001 0050");
        ByteBuffer more = ByteBuffer.wrap(hex("0102030405"));
        assertInstanceOf(Step.More.class, negotiation.receive(more));
        assertEquals(5, more.remaining(), target.toString());
    }

    @Test
    void repliesBindNothing() {
        assertArrayEquals(hex("05000001000000000000"), SocksReply.SUCCEEDED.bytes());
        assertArrayEquals(hex("05010001000000000000"), SocksReply.GENERAL_FAILURE.bytes());
        assertArrayEquals(hex("05020001000000000000"), SocksReply.NOT_ALLOWED.bytes());
        assertArrayEquals(hex("05040001000000000000"), SocksReply.HOST_UNREACHABLE.bytes());
        assertArrayEquals(hex(NOT_SUPPORTED), SocksReply.COMMAND_NOT_SUPPORTED.bytes());
    }
}
