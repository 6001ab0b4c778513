package io.culvert.protocol.proxyproto;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.culvert.protocol.Records;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.testkit.Gen;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class ProxyHeaderV2Test {
    private static final String SIGNATURE = "0d0a0d0a000d0a515549540a";
    private static final SpiffeId WEB = SpiffeId.parse("spiffe://td/ns/a/sa/b");

    private static IpPort at(String ip, int port) {
        return new IpPort(IpAddress.parse(ip), port);
    }

    private static String hex(ProxyHeaderV2 header) {
        return HexFormat.of().formatHex(header.encode());
    }

    @Test
    void writesIpv4() {
        assertEquals(
                SIGNATURE + "21" + "11" + "000c" + "0a000001" + "0a000002" + "c350" + "0050",
                hex(new ProxyHeaderV2(at("10.0.0.1", 50_000), at("10.0.0.2", 80), null)));
    }

    @Test
    void writesIpv6WithIdentity() {
        assertEquals(
                SIGNATURE + "21" + "21" + "003c" + "fd000000000000000000000000000001"
                        + "fd000000000000000000000000000002" + "c350" + "0050" + "d0" + "0015"
                        + HexFormat.of().formatHex(WEB.uri().getBytes(java.nio.charset.StandardCharsets.US_ASCII)),
                hex(new ProxyHeaderV2(at("fd00::1", 50_000), at("fd00::2", 80), WEB)));
    }

    @Test
    void writesNoAddresses_whenFamiliesDiffer() {
        assertEquals(
                SIGNATURE + "21" + "00" + "0018" + "d0" + "0015",
                hex(new ProxyHeaderV2(at("10.0.0.1", 1), at("fd00::2", 80), WEB))
                        .substring(0, 38));
        assertEquals(SIGNATURE + "21" + "00" + "0000", hex(new ProxyHeaderV2(at("::1", 1), at("10.0.0.1", 80), null)));
    }

    @Test
    void readsWhatItWrote() {
        Gen.forAll(5_000, gen -> {
            IpAddress source = Records.ip(gen);
            IpAddress destination = Records.ip(gen);
            if (source.isV4() != destination.isV4()) {
                return;
            }
            ProxyHeaderV2 header = new ProxyHeaderV2(
                    new IpPort(source, gen.intBetween(0, 65_535)),
                    new IpPort(destination, gen.intBetween(0, 65_535)),
                    gen.bool() ? Records.spiffeId(gen) : null);
            assertEquals(header, ProxyHeaderV2.decode(header.encode()));
        });
    }

    @Test
    void refusesWhatIsNoHeader() {
        String valid = hex(new ProxyHeaderV2(at("10.0.0.1", 50_000), at("10.0.0.2", 80), WEB));
        for (String broken : new String[] {
            "",
            valid.substring(0, 30),
            valid.substring(0, valid.length() - 2),
            valid + "00",
            "00" + valid.substring(2),
            valid.replace(SIGNATURE + "21", SIGNATURE + "20"),
            valid.replace(SIGNATURE + "2111", SIGNATURE + "2100"),
            valid.replace("d00015", "d00016"),
            valid.replace("d00015", "d00014"),
        }) {
            assertThrows(
                    IllegalArgumentException.class,
                    () -> ProxyHeaderV2.decode(HexFormat.of().parseHex(broken)),
                    broken);
        }
    }
}
