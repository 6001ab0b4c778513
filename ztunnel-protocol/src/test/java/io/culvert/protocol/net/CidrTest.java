package io.culvert.protocol.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CidrTest {
    @Test
    void ignoresHostBits() {
        assertTrue(Cidr.parse("10.1.2.3/8").contains(IpAddress.parse("10.200.0.1")));
        assertFalse(Cidr.parse("10.1.2.3/8").contains(IpAddress.parse("11.1.2.3")));
    }

    @Test
    void neverCrossesFamilies() {
        assertFalse(Cidr.parse("::/0").contains(IpAddress.parse("10.0.0.1")));
        assertFalse(Cidr.parse("0.0.0.0/0").contains(IpAddress.parse("::1")));
    }

    @Test
    void takesABareAddressForItself() {
        assertEquals(32, Cidr.parse("10.0.0.1").length());
        assertEquals(128, Cidr.parse("fd00::1").length());
        assertTrue(Cidr.parse("fd00::1").isSingle());
        assertFalse(Cidr.parse("10.0.0.1/31").isSingle());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "/",
                "10.0.0.0/",
                "10.0.0.0/33",
                "::/129",
                "10.0.0.0/-1",
                "10.0.0.0/+8",
                "10.0.0.0/8/8",
                "10.0.0.0/0008",
                "10.0.0.0/٨",
                "10.0.0/8",
                "/8"
            })
    void refusesWhatIsNoPrefix(String text) {
        assertThrows(IllegalArgumentException.class, () -> Cidr.parse(text));
    }
}
