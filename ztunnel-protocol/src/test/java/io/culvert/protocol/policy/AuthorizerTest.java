package io.culvert.protocol.policy;

import static io.culvert.protocol.policy.Policies.EVERYTHING;
import static io.culvert.protocol.policy.Policies.NOTHING;
import static io.culvert.protocol.policy.Policies.allow;
import static io.culvert.protocol.policy.Policies.deny;
import static io.culvert.protocol.policy.Policies.match;
import static io.culvert.protocol.policy.Policies.plaintext;
import static io.culvert.protocol.policy.Policies.policy;
import static io.culvert.protocol.policy.Policies.rule;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.policy.Policy.Action;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Order of policies, and what degenerate ones mean. */
class AuthorizerTest {
    private static final PeerFacts WEB = Policies.from("spiffe://td/ns/shop/sa/web");

    @Test
    void allows_whenThereIsNoPolicy() {
        assertEquals(new Decision.Allow(null), Authorizer.decide(List.of(), WEB));
    }

    @Test
    void allows_whenOnlyDenyPoliciesExistAndNoneMatches() {
        assertEquals(new Decision.Allow(null), Authorizer.decide(List.of(deny("d", NOTHING)), WEB));
    }

    @Test
    void namesTheDenyPolicy_whereverItStands() {
        Policy allow = allow("a", EVERYTHING);
        Policy deny = deny("d", EVERYTHING);
        for (List<Policy> order : List.of(List.of(allow, deny), List.of(deny, allow), List.of(deny))) {
            Decision.Deny denied = assertInstanceOf(Decision.Deny.class, Authorizer.decide(order, WEB));
            assertEquals(deny.key(), denied.policy());
            assertTrue(denied.sentence().endsWith("ns/d"), denied::sentence);
        }
    }

    @Test
    void namesTheFirstAllowPolicyThatMatches() {
        Policy no = allow("no", NOTHING);
        Policy first = allow("first", EVERYTHING);
        Policy second = allow("second", EVERYTHING);
        assertEquals(new Decision.Allow(first.key()), Authorizer.decide(List.of(no, first, second), WEB));
    }

    @Test
    void denies_whenAllowPoliciesExistAndNoneMatches() {
        Decision.Deny denied =
                assertInstanceOf(Decision.Deny.class, Authorizer.decide(List.of(allow("a", NOTHING)), WEB));
        assertNull(denied.policy());
        assertEquals(denied.reason(), denied.sentence());
    }

    @Test
    void dryRunNeitherDeniesNorAllowsNorCountsAsAllowPolicy() {
        Policy dryDeny = policy("dd", Action.DENY, true, EVERYTHING);
        Policy dryAllow = policy("da", Action.ALLOW, true, EVERYTHING);
        Policy dryAllowNothing = policy("dn", Action.ALLOW, true, NOTHING);
        assertEquals(new Decision.Allow(null), Authorizer.decide(List.of(dryDeny, dryAllow, dryAllowNothing), WEB));
        assertInstanceOf(Decision.Deny.class, Authorizer.decide(List.of(dryAllow, allow("a", NOTHING)), WEB));
    }

    @Test
    void dryRunMatchesAreReportedApart() {
        Policy dryDeny = policy("dd", Action.DENY, true, EVERYTHING);
        Policy dryAllow = policy("da", Action.ALLOW, true, EVERYTHING);
        Policy dryNothing = policy("dn", Action.ALLOW, true, NOTHING);
        List<Policy> candidates = List.of(deny("d", EVERYTHING), dryDeny, dryNothing, allow("a", EVERYTHING), dryAllow);
        assertEquals(List.of(dryDeny, dryAllow), Authorizer.dryRunMatches(candidates, WEB));
        assertSame(List.of(), Authorizer.dryRunMatches(List.of(deny("d", EVERYTHING), dryNothing), WEB));
    }

    @Test
    void policyWithoutRulesNeverMatches() {
        assertFalse(Authorizer.matches(allow("a"), WEB));
        assertInstanceOf(Decision.Deny.class, Authorizer.decide(List.of(allow("deny-all")), WEB));
        assertInstanceOf(Decision.Allow.class, Authorizer.decide(List.of(deny("no-effect")), WEB));
    }

    @Test
    void ruleWithoutClausesMatchesEverything() {
        assertTrue(Authorizer.matches(allow("a", new Rule(List.of())), plaintext()));
    }

    @Test
    void clauseWithoutMatchesMatchesEverything() {
        assertTrue(Authorizer.matches(allow("a", new Rule(List.of(new Clause(List.of())))), plaintext()));
    }

    @Test
    void matchWithoutConditionsNeverMatches() {
        assertFalse(Authorizer.matches(allow("a", rule(match().build())), WEB));
        assertFalse(Authorizer.matches(allow("a", rule(Match.NEVER, Match.NEVER)), WEB));
        assertTrue(Authorizer.matches(allow("a", rule(Match.NEVER, Match.ALWAYS)), WEB));
    }

    @Test
    void anyRuleSuffices_everyClauseMustHold_anyMatchSuffices() {
        assertTrue(Authorizer.matches(allow("a", NOTHING, EVERYTHING), WEB));
        Clause holds = new Clause(List.of(Match.NEVER, Match.ALWAYS));
        Clause fails = new Clause(List.of(Match.NEVER));
        assertTrue(Authorizer.matches(allow("a", new Rule(List.of(holds, holds))), WEB));
        assertFalse(Authorizer.matches(allow("a", new Rule(List.of(holds, fails))), WEB));
    }

    @Test
    void alwaysHoldsForBothFamiliesAndWithoutIdentity() {
        assertTrue(Authorizer.matches(allow("a", rule(Match.ALWAYS)), plaintext()));
        assertTrue(Authorizer.matches(
                allow("a", rule(Match.ALWAYS)), Policies.facts(WEB.identity(), "fd00::1", "fd00::2", 80)));
    }
}
