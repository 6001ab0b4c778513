package io.culvert.protocol.policy;

import static io.culvert.protocol.policy.Policies.match;
import static io.culvert.protocol.policy.Policies.plaintext;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.net.Cidr;
import io.culvert.protocol.policy.Match.ServiceAccountMatch;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Every attribute, positive and negative, with and without an identity. */
class MatchEvaluatorTest {
    private static final PeerFacts WEB = Policies.from("spiffe://td/ns/shop/sa/web");
    private static final PeerFacts NAMELESS =
            Policies.facts(new PeerIdentity.Absent(PeerIdentity.Reason.NO_SPIFFE_SAN), "10.0.0.1", "10.0.0.2", 80);

    private static void holds(boolean expected, Match match, PeerFacts facts) {
        assertEquals(expected, MatchEvaluator.matches(match, facts), () -> match + " for " + facts);
    }

    private static void namespace(boolean web, boolean nobody, StringMatch text) {
        var positive = match();
        positive.namespaces = List.of(text);
        var negative = match();
        negative.notNamespaces = List.of(text);
        both(web, nobody, positive.build(), negative.build());
    }

    private static void principal(boolean web, StringMatch text) {
        var positive = match();
        positive.principals = List.of(text);
        var negative = match();
        negative.notPrincipals = List.of(text);
        both(web, false, positive.build(), negative.build());
    }

    /** What a single positive entry does for the web's identity and for none; the negative one does the opposite. */
    private static void both(boolean web, boolean nobody, Match positive, Match negative) {
        holds(web, positive, WEB);
        holds(!web, negative, WEB);
        for (PeerFacts facts : List.of(plaintext(), NAMELESS)) {
            holds(nobody, positive, facts);
            holds(!nobody, negative, facts);
        }
    }

    @Test
    void namespacesCompareWithTheIdentitysNamespace_emptyWithoutIdentity() {
        namespace(true, false, new StringMatch.Exact("shop"));
        namespace(false, false, new StringMatch.Exact("Shop"));
        namespace(false, false, new StringMatch.Exact("sho"));
        namespace(true, false, new StringMatch.Prefix("sh"));
        namespace(false, false, new StringMatch.Prefix("op"));
        namespace(true, false, new StringMatch.Suffix("op"));
        namespace(false, false, new StringMatch.Suffix("sh"));
        namespace(true, false, new StringMatch.Presence());
        namespace(true, true, new StringMatch.Prefix(""));
    }

    @Test
    void principalsCompareWithTheIdWithoutItsScheme_nothingWithoutIdentity() {
        principal(true, new StringMatch.Exact("td/ns/shop/sa/web"));
        principal(false, new StringMatch.Exact("spiffe://td/ns/shop/sa/web"));
        principal(false, new StringMatch.Exact("td/ns/shop/sa/we"));
        principal(false, new StringMatch.Exact("d/ns/shop/sa/web"));
        principal(true, new StringMatch.Prefix("td/ns/shop/"));
        principal(false, new StringMatch.Prefix("spiffe://td/"));
        principal(true, new StringMatch.Prefix(""));
        principal(true, new StringMatch.Suffix("/sa/web"));
        principal(true, new StringMatch.Suffix(""));
        principal(false, new StringMatch.Suffix("xtd/ns/shop/sa/web"));
        principal(true, new StringMatch.Presence());
    }

    @Test
    void serviceAccountsIgnoreTheTrustDomain() {
        for (boolean same : new boolean[] {true, false}) {
            var entry = new ServiceAccountMatch("shop", same ? "web" : "admin");
            var positive = match();
            positive.serviceAccounts = List.of(entry);
            var negative = match();
            negative.notServiceAccounts = List.of(entry);
            both(same, false, positive.build(), negative.build());
            holds(same, positive.build(), Policies.from("spiffe://other/ns/shop/sa/web"));
            holds(false, positive.build(), Policies.from("spiffe://td/ns/web/sa/shop"));
        }
    }

    @Test
    void strictMutualTlsIsPresenceNegated() {
        var strict = match();
        strict.notPrincipals = List.of(new StringMatch.Presence());
        holds(true, strict.build(), plaintext());
        holds(false, strict.build(), WEB);
    }

    @Test
    void addressesAndPortsDoNotAskForAnIdentity() {
        for (PeerFacts facts : List.of(WEB, plaintext())) {
            var source = match();
            source.sourceIps = List.of(Cidr.parse("10.0.0.1/32"));
            holds(true, source.build(), facts);
            var destination = match();
            destination.destinationIps = List.of(Cidr.parse("10.0.0.1/32"));
            holds(false, destination.build(), facts);
            var notSource = match();
            notSource.notSourceIps = List.of(Cidr.parse("10.0.0.1/32"));
            holds(false, notSource.build(), facts);
            var notDestination = match();
            notDestination.notDestinationIps = List.of(Cidr.parse("10.0.0.1/32"));
            holds(true, notDestination.build(), facts);
            var port = match();
            port.ports = List.of(443, 80);
            holds(true, port.build(), facts);
            var notPort = match();
            notPort.notPorts = List.of(443, 80);
            holds(false, notPort.build(), facts);
        }
    }

    @Test
    void anyPositiveEntrySuffices_noNegativeMayHit_everyAttributeMustHold() {
        var namespaces = match();
        namespaces.namespaces = List.of(new StringMatch.Exact("other"), new StringMatch.Exact("shop"));
        holds(true, namespaces.build(), WEB);
        namespaces.notNamespaces = List.of(new StringMatch.Exact("other"), new StringMatch.Suffix("p"));
        holds(false, namespaces.build(), WEB);
        var attributes = match();
        attributes.namespaces = List.of(new StringMatch.Exact("shop"));
        attributes.ports = List.of(80);
        holds(true, attributes.build(), WEB);
        attributes.ports = List.of(81);
        holds(false, attributes.build(), WEB);
    }

    @Test
    void portsPastTheSmallIntegersCompareByValue() {
        var port = match();
        port.ports = List.of(Integer.valueOf(50_000));
        holds(true, port.build(), Policies.facts(PeerIdentity.PLAINTEXT, "10.0.0.1", "10.0.0.2", 50_000));
    }
}
