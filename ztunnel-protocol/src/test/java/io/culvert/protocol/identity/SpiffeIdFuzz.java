package io.culvert.protocol.identity;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.testkit.Gen;
import java.util.List;
import org.junit.jupiter.api.Test;

class SpiffeIdFuzz {
    @Test
    void everyListOfNamesIsSelectedFromOrRefused() {
        Gen.forAll(20_000, gen -> {
            List<String> uris = gen.list(
                    4,
                    g -> g.pick("spiffe://", "spiffe:", "", "SPIFFE://td/ns/")
                            + g.pick(g.unicode(40), g.text("nsa/.%", 40)));
            switch (SpiffeIds.fromUriSans(uris)) {
                case SpiffeIds.Selection.Selected(var id) ->
                    assertEquals(1, uris.stream().filter(id.uri()::equals).count());
                case SpiffeIds.Selection.Refused(var reason) ->
                    assertEquals(false, reason.sentence().isEmpty());
            }
        });
    }
}
