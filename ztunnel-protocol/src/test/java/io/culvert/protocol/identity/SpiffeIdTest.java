package io.culvert.protocol.identity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SpiffeIdTest {
    private static final String WEB = "spiffe://cluster.local/ns/shop/sa/web";

    @Test
    void readsItsParts() {
        SpiffeId id = SpiffeId.parse(WEB);
        assertEquals("cluster.local", id.trustDomain().name());
        assertEquals("shop", id.namespace());
        assertEquals("web", id.serviceAccount());
        assertEquals(WEB, id.uri());
        assertEquals("cluster.local/ns/shop/sa/web", id.principal());
        assertEquals(id.principal().length(), id.principalLength());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "spiffe:",
                "spiffe://",
                "cluster.local/ns/shop/sa/web",
                "SPIFFE://cluster.local/ns/shop/sa/web",
                "Spiffe://cluster.local/ns/shop/sa/web",
                "https://cluster.local/ns/shop/sa/web",
                "spiffe:///ns/shop/sa/web",
                "spiffe://user@cluster.local/ns/shop/sa/web",
                "spiffe://cluster.local:443/ns/shop/sa/web",
                "spiffe://cluster.local/ns/shop/sa/web/",
                "spiffe://cluster.local/ns/shop/sa/web?a=b",
                "spiffe://cluster.local/ns/shop/sa/web#a",
                "spiffe://cluster.local/ns/shop/sa/",
                "spiffe://cluster.local/ns//sa/web",
                "spiffe://cluster.local//ns/shop/sa/web",
                "spiffe://cluster.local/NS/shop/sa/web",
                "spiffe://cluster.local/ns/shop/web",
                "spiffe://cluster.local/ns/shop/sa/web/extra",
                "spiffe://cluster.local/ns/../sa/web",
                "spiffe://cluster.local/ns/shop/sa/.",
                "spiffe://cluster.local/ns/sh%6fp/sa/web",
                "spiffe://cluster.local/ns/shop/sa/web\u0000",
                "spiffe://cluster.local\u0000.evil/ns/shop/sa/web",
                "spiffe://cluster.local/ns/shop/sa/web\n",
                " spiffe://cluster.local/ns/shop/sa/web",
                "spiffe://cluster.local/ns/shop/sa/wéb",
                "spiffe://cluster.local/ns/shop/sa/we b",
                "spiffe://cluster.local\\ns/shop/sa/web",
            })
    void refusesWhatIsNoId(String uri) {
        assertThrows(IllegalArgumentException.class, () -> SpiffeId.parse(uri));
    }

    @Test
    void keepsATrustDomainAsItIsWritten_andComparesItSo() {
        SpiffeId id = SpiffeId.parse("spiffe://Corp.Example/ns/shop/sa/web");
        assertEquals("spiffe://Corp.Example/ns/shop/sa/web", id.uri());
        assertNotEquals(SpiffeId.parse("spiffe://corp.example/ns/shop/sa/web"), id);
    }

    @Test
    void boundsTheWholeUri() {
        String prefix = "spiffe://td/ns/n/sa/";
        String longest = prefix + "a".repeat(SpiffeId.URI_LENGTH_MAX - prefix.length());
        assertEquals(longest, SpiffeId.parse(longest).uri());
        assertThrows(IllegalArgumentException.class, () -> SpiffeId.parse(longest + "a"));
    }

    @Test
    void boundsTheTrustDomain() {
        assertEquals(255, new TrustDomain("a".repeat(255)).name().length());
        assertThrows(IllegalArgumentException.class, () -> new TrustDomain("a".repeat(256)));
        assertThrows(IllegalArgumentException.class, () -> new TrustDomain(""));
    }

    @Test
    void comparesThePrincipalInParts() {
        SpiffeId id = SpiffeId.parse(WEB);
        assertTrue(id.principalHas("cluster.local/ns/sh", 0));
        assertTrue(id.principalHas("local/ns/shop/sa/w", 8));
        assertTrue(id.principalHas("", 28));
        assertFalse(id.principalHas("", 29));
        assertFalse(id.principalHas("cluster.local/ns/shop/sa/webx", 0));
        assertFalse(id.principalHas("c", -1));
        assertFalse(id.principalHas("cluster.local/sa/", 0));
    }
}
