package io.culvert.protocol.hbone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.culvert.protocol.net.IpAddress;
import io.culvert.testkit.Gen;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConnectTargetTest {
    private static String read(String authority) {
        ConnectTarget target = ConnectTarget.parse(authority);
        return switch (target) {
            case null -> "nothing";
            case ConnectTarget.IpTarget ip -> "ip " + ip.authority();
            case ConnectTarget.HostTarget host -> "host " + host.authority();
        };
    }

    @ParameterizedTest
    @CsvSource({
        "10.0.0.1:80, ip 10.0.0.1:80",
        "0.0.0.0:65535, ip 0.0.0.0:65535",
        "[::1]:1, ip [::1]:1",
        "[2001:DB8:0:0::1]:443, ip [2001:db8::1]:443",
        "[::ffff:10.0.0.1]:80, ip 10.0.0.1:80",
        "localhost:80, host localhost:80",
        "Web.Default.svc.cluster.local:8080, host web.default.svc.cluster.local:8080",
        "a_b.c-d:1, host a_b.c-d:1",
        "1.2.3.a4:80, host 1.2.3.a4:80",
        "10.0.0.com:80, host 10.0.0.com:80"
    })
    void readsAddressesAndHosts(String authority, String expected) {
        assertEquals(expected, read(authority));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ":",
                ":80",
                "10.0.0.1",
                "10.0.0.1:",
                "10.0.0.1:0",
                "10.0.0.1:080",
                "10.0.0.1:+80",
                "10.0.0.1:65536",
                "10.0.0.1:100000",
                "10.0.0.1:4294967376",
                "10.0.0.1:80 ",
                " 10.0.0.1:80",
                "10.0.0.01:80",
                "010.0.0.1:80",
                "10.0.1:80",
                "167772161:80",
                "0x0a000001:80",
                "10.0.0.0x1:80",
                "10.0.0.256:80",
                "10.0.0.1.:80",
                "::1:80",
                "[::1]",
                "[::1:80",
                "::1]:80",
                "[]:80",
                "[:]:80",
                "[10.0.0.1]:80",
                "[fe80::1%eth0]:80",
                "[::1]x:80",
                "[[::1]]:80",
                "[1:2:3:4:5:6:7:8:9]:80",
                "user@host:80",
                "http://host:80",
                "host/path:80",
                "a..b:80",
                ".a:80",
                "a.:80",
                "h\u00f6st:80",
                "ho\u0000st:80",
                "host:\u0661",
            })
    void readsNothingElse(String authority) {
        assertEquals("nothing", read(authority));
    }

    @Test
    void boundsTheHost() {
        String label = "a".repeat(63);
        assertEquals("nothing", read(label + "a:80"));
        String longest = label + "." + label + "." + label + "." + "a".repeat(61);
        assertEquals("host " + longest + ":65535", read(longest + ":65535"));
        assertEquals("nothing", read(longest + "a:80"));
        assertNull(ConnectTarget.parse("[" + "0".repeat(10_000) + "]:80"));
    }

    @Test
    void cannotBeMadeWrong() {
        assertThrows(IllegalArgumentException.class, () -> new ConnectTarget.HostTarget("10.0.0.1", 80));
        assertThrows(IllegalArgumentException.class, () -> new ConnectTarget.HostTarget("a\r\nb", 80));
        assertThrows(IllegalArgumentException.class, () -> new ConnectTarget.HostTarget("a", 0));
        assertThrows(IllegalArgumentException.class, () -> new ConnectTarget.IpTarget(IpAddress.V6_ANY, 65_536));
        ConnectTarget target = new ConnectTarget.HostTarget("a", 1);
        assertThrows(IllegalArgumentException.class, () -> new ConnectRequest(target, "a\r\nb: c", null, null, null));
        assertThrows(
                IllegalArgumentException.class, () -> new ConnectRequest(target, null, "a".repeat(1025), null, null));
    }

    @Test
    void neverThrows_andWritesWhatItReadsBack() {
        Gen.forAll(3_000, gen -> {
            String text =
                    gen.bool() ? gen.unicode(40) : gen.text("[:]0123456789abcf.x", 30) + gen.pick("", ":80", "]:80");
            ConnectTarget target = ConnectTarget.parse(text);
            if (target != null) {
                assertEquals(target, ConnectTarget.parse(target.authority()));
            }
        });
    }
}
