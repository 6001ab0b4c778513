package io.culvert.protocol.identity;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.protocol.identity.SpiffeIds.Reason;
import io.culvert.protocol.identity.SpiffeIds.Selection;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class SpiffeIdsTest {
    private static final String WEB = "spiffe://cluster.local/ns/shop/sa/web";
    private static final String ADMIN = "spiffe://cluster.local/ns/shop/sa/admin";

    @Test
    void selectsTheOnlySpiffeName_whereverItStands() {
        Selection web = new Selection.Selected(SpiffeId.parse(WEB));
        assertEquals(web, SpiffeIds.fromUriSans(List.of(WEB)));
        assertEquals(web, SpiffeIds.fromUriSans(List.of("https://example.org/", WEB, "urn:x:y")));
    }

    @Test
    void refusesSeveral_evenEqualOnes() {
        refused(Reason.SEVERAL, List.of(WEB, ADMIN));
        refused(Reason.SEVERAL, List.of(WEB, WEB));
        refused(Reason.SEVERAL, List.of("SPIFFE://cluster.local/ns/shop/sa/web", WEB));
        refused(Reason.SEVERAL, List.of("spiffe:junk", WEB));
        refused(Reason.SEVERAL, List.of("\u0000 spiffe://x", WEB));
    }

    @Test
    void refusesMalformedOnes() {
        refused(Reason.MALFORMED, List.of("spiffe://cluster.local/ns/shop/sa/web\u0000"));
        refused(Reason.MALFORMED, List.of("spiffe://cluster.local/ns/shop"));
        refused(Reason.MALFORMED, List.of("Spiffe://cluster.local/ns/shop/sa/web"));
        refused(Reason.MALFORMED, List.of("spiffe://cluster.local/ns/shop/sa/%77eb"));
        refused(Reason.MALFORMED, List.of("spiffe://td/ns/n/sa/" + "a".repeat(4_096)));
    }

    @Test
    void refusesNone() {
        refused(Reason.NONE, List.of());
        refused(Reason.NONE, List.of("https://example.org/spiffe://"));
    }

    @Test
    void refusesMoreNamesThanAnyCertificateNeeds() {
        refused(Reason.TOO_MANY_NAMES, Collections.nCopies(65, "urn:x:y"));
    }

    private static void refused(Reason reason, List<String> uris) {
        assertEquals(new Selection.Refused(reason), SpiffeIds.fromUriSans(uris));
    }
}
