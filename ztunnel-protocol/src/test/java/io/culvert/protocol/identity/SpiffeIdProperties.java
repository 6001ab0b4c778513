package io.culvert.protocol.identity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.culvert.protocol.Records;
import io.culvert.testkit.Gen;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class SpiffeIdProperties {
    @Test
    void uriReadsBackAsTheSameId() {
        Gen.forAll(5_000, gen -> {
            SpiffeId id = Records.spiffeId(gen);
            assertEquals(id, SpiffeId.parse(id.uri()));
            assertEquals("spiffe://" + id.principal(), id.uri());
        });
    }

    @Test
    void whatItAcceptsThePlatformReadsAlike() {
        Gen.forAll(50_000, gen -> {
            byte[] bytes = gen.mutate(Records.spiffeId(gen).uri().getBytes(StandardCharsets.US_ASCII));
            String text = new String(bytes, StandardCharsets.ISO_8859_1);
            try {
                agreesWithThePlatform(text, SpiffeId.parse(text));
            } catch (IllegalArgumentException refused) {
                // Refusing more than the platform does is what a strict reader is for.
            }
        });
    }

    private static void agreesWithThePlatform(String text, SpiffeId id) throws Exception {
        URI uri = new URI(text);
        assertEquals("spiffe", uri.getScheme());
        assertEquals(id.trustDomain().name(), uri.getRawAuthority());
        assertEquals("/ns/" + id.namespace() + "/sa/" + id.serviceAccount(), uri.getRawPath());
        assertEquals(uri.getRawPath(), uri.getPath());
        assertEquals(-1, uri.getPort());
        assertNull(uri.getRawUserInfo());
        assertNull(uri.getRawQuery());
        assertNull(uri.getRawFragment());
        assertEquals(text, id.uri());
    }

    @Test
    void comparesPartsAsItWouldTheWhole() {
        Gen.forAll(20_000, gen -> {
            SpiffeId id = Records.spiffeId(gen);
            String principal = id.principal();
            int offset = gen.intBetween(-1, principal.length() + 1);
            int from = gen.intBetween(0, principal.length());
            String text = principal.substring(from, gen.intBetween(from, principal.length())) + gen.text("a/", 1);
            assertEquals(
                    principal.regionMatches(offset, text, 0, text.length()),
                    id.principalHas(text, offset),
                    () -> principal + " has " + text + " at " + offset);
        });
    }
}
