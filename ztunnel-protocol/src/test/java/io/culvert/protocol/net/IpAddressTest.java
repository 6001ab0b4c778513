package io.culvert.protocol.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IpAddressTest {
    @ParameterizedTest
    @CsvSource({
        "10.1.2.3, 10.1.2.3",
        "255.255.255.255, 255.255.255.255",
        "::, ::",
        "::1, ::1",
        "1::, 1::",
        "2001:DB8::1, 2001:db8::1",
        "2001:db8:0:0:0:0:2:1, 2001:db8::2:1",
        "2001:db8:0:1:1:1:1:1, 2001:db8:0:1:1:1:1:1",
        "2001:0:0:1:0:0:0:1, 2001:0:0:1::1",
        "2001:db8:0:0:1:0:0:1, 2001:db8::1:0:0:1",
        "::ffff:10.1.2.3, 10.1.2.3",
        "::ffff:a01:203, 10.1.2.3",
        "0:0:0:0:0:ffff:0a01:0203, 10.1.2.3",
        "64:ff9b::192.0.2.33, 64:ff9b::c000:221",
        "1:2:3:4:5:6:1.2.3.4, 1:2:3:4:5:6:102:304",
        "1:2:3:4:5:6:7::, 1:2:3:4:5:6:7:0",
        "::2:3:4:5:6:7:8, 0:2:3:4:5:6:7:8",
    })
    void writesTheCanonicalTextOfWhatItReads(String text, String canonical) {
        assertEquals(canonical, IpAddress.parse(text).toString());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "1",
                "1.2.3",
                "1.2.3.4.5",
                "1.2.3.256",
                "01.2.3.4",
                "1.2.3.04",
                "1.2.3.",
                ".1.2.3",
                "1..2.3",
                "1.2.3.4 ",
                "0x7f.0.0.1",
                "+1.2.3.4",
                "1.2.3.-4",
                ":",
                ":::",
                "1:::2",
                "::1::",
                "1:2:3:4:5:6:7",
                "1:2:3:4:5:6:7:8:9",
                "1:2:3:4:5:6:7:8::",
                "::1:2:3:4:5:6:7:8",
                "12345::",
                "g::",
                "1:2:3:4:5:6:7:1.2.3.4",
                "::1.2.3",
                "1.2.3.4::",
                "::1%eth0",
                "[::1]",
                "fe80::1%1",
                ":1",
                "1:",
                "1::2:",
                "localhost",
                "::ffff:١.2.3.4",
                "１.2.3.4"
            })
    void refusesWhatIsNoLiteral(String text) {
        assertThrows(IllegalArgumentException.class, () -> IpAddress.parse(text));
    }

    @Test
    void knowsLoopbackAndUnspecified() {
        assertTrue(IpAddress.parse("127.255.0.1").isLoopback());
        assertTrue(IpAddress.parse("::1").isLoopback());
        assertTrue(IpAddress.parse("::ffff:127.0.0.1").isLoopback());
        assertFalse(IpAddress.parse("128.0.0.1").isLoopback());
        assertFalse(IpAddress.parse("::7f00:1").isLoopback());
        assertTrue(IpAddress.parse("0.0.0.0").isUnspecified());
        assertTrue(IpAddress.parse("::").isUnspecified());
        assertFalse(IpAddress.parse("0.0.0.1").isUnspecified());
    }

    @Test
    void refusesBytesThatAreNoAddress() {
        for (int length : new int[] {0, 3, 5, 15, 17}) {
            assertThrows(IllegalArgumentException.class, () -> IpAddress.ofBytes(new byte[length]));
        }
    }
}
