package io.culvert.protocol.proxyproto;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.culvert.protocol.Records;
import io.culvert.protocol.net.IpPort;
import io.culvert.testkit.Gen;
import org.junit.jupiter.api.Test;

class ProxyHeaderV2Fuzz {
    @Test
    void damagedHeadersAreReadOrRefused() {
        Gen.forAll(20_000, gen -> {
            byte[] whole = new ProxyHeaderV2(
                            new IpPort(Records.ip(gen), 1), new IpPort(Records.ip(gen), 2), Records.spiffeId(gen))
                    .encode();
            try {
                ProxyHeaderV2 read = ProxyHeaderV2.decode(gen.mutate(whole));
                assertEquals(read.source().ip().isV4(), read.source().ip().toBytes().length == 4);
            } catch (IllegalArgumentException refused) {
                assertNotNull(refused.getMessage());
            }
        });
    }
}
