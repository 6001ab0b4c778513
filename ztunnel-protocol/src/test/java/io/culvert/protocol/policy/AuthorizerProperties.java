package io.culvert.protocol.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.protocol.Records;
import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.net.Cidr;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.testkit.Gen;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiPredicate;
import org.junit.jupiter.api.Test;

/** The authorizer against a second one that is written as plainly as the rules read. */
class AuthorizerProperties {
    @Test
    void decidesAsThePlainReadingDoes() {
        AtomicInteger allowed = new AtomicInteger();
        AtomicInteger denied = new AtomicInteger();
        AtomicInteger byPolicy = new AtomicInteger();
        Gen.forAll(40_000, gen -> {
            List<Policy> candidates = new ArrayList<>();
            for (int i = gen.intBetween(0, 4); i > 0; i--) {
                candidates.add(Records.policy(gen, new NamespacedName("ns", "p" + i)));
            }
            PeerFacts facts = Records.facts(gen);
            Decision expected = Plain.decide(candidates, facts);
            assertEquals(expected, Authorizer.decide(candidates, facts));
            (expected instanceof Decision.Allow ? allowed : denied).incrementAndGet();
            if (expected instanceof Decision.Allow allow && allow.policy() != null) {
                byPolicy.incrementAndGet();
            }
        });
        if (Long.getLong("culvert.seed") == null) {
            // Without enough of each kind the comparison would say little.
            assertEquals(
                    List.of(true, true, true),
                    List.of(allowed.get() > 2_000, denied.get() > 2_000, byPolicy.get() > 500));
        }
    }

    @Test
    void singleMatchesAgreeWithThePlainReading() {
        AtomicInteger held = new AtomicInteger();
        Gen.forAll(60_000, gen -> {
            Match match = Records.match(gen);
            PeerFacts facts = Records.facts(gen);
            boolean expected = Plain.match(match, facts);
            assertEquals(expected, MatchEvaluator.matches(match, facts), () -> match + " for " + facts);
            held.addAndGet(expected ? 1 : 0);
        });
        assertEquals(true, held.get() > 1_000 || Long.getLong("culvert.seed") != null);
    }

    /** The rules again, from texts. */
    private static final class Plain {
        static Decision decide(List<Policy> candidates, PeerFacts facts) {
            List<Policy> enforced = candidates.stream().filter(p -> !p.dryRun()).toList();
            Optional<Policy> denying = enforced.stream()
                    .filter(p -> p.action() == Policy.Action.DENY && policy(p, facts))
                    .findFirst();
            if (denying.isPresent()) {
                return new Decision.Deny(denying.get().key(), "a DENY policy matches the connection");
            }
            List<Policy> allows = enforced.stream()
                    .filter(p -> p.action() == Policy.Action.ALLOW)
                    .toList();
            if (allows.isEmpty()) {
                return new Decision.Allow(null);
            }
            return allows.stream()
                    .filter(p -> policy(p, facts))
                    .findFirst()
                    .<Decision>map(p -> new Decision.Allow(p.key()))
                    .orElse(new Decision.Deny(null, "ALLOW policies exist for this workload and none of them matches"));
        }

        static boolean policy(Policy policy, PeerFacts facts) {
            return policy.rules().stream()
                    .anyMatch(rule -> rule.clauses().stream()
                            .allMatch(clause -> clause.matches().isEmpty()
                                    || clause.matches().stream().anyMatch(match -> match(match, facts))));
        }

        static boolean match(Match m, PeerFacts facts) {
            Optional<String> uri = facts.identity() instanceof PeerIdentity.Verified(var id)
                    ? Optional.of(id.uri())
                    : Optional.empty();
            String[] parts = uri.map(u -> u.split("/", -1)).orElse(new String[7]);
            String namespace = uri.isPresent() ? parts[4] : "";
            List<Boolean> constraints = new ArrayList<>();
            one(constraints, m.namespaces(), m.notNamespaces(), (s, n) -> text(s, n), namespace);
            one(
                    constraints,
                    m.serviceAccounts(),
                    m.notServiceAccounts(),
                    (s, n) -> uri.isPresent()
                            && s.namespace().equals(parts[4])
                            && s.serviceAccount().equals(parts[6]),
                    "");
            one(
                    constraints,
                    m.principals(),
                    m.notPrincipals(),
                    (s, n) -> uri.isPresent() && text(s, n),
                    uri.map(u -> u.substring("spiffe://".length())).orElse(""));
            one(constraints, m.sourceIps(), m.notSourceIps(), Plain::contains, facts.source());
            one(constraints, m.destinationIps(), m.notDestinationIps(), Plain::contains, facts.destination());
            one(constraints, m.destinationPorts(), m.notDestinationPorts(), Integer::equals, facts.destinationPort());
            return !constraints.isEmpty() && !constraints.contains(false);
        }

        static <E, V> void one(
                List<Boolean> constraints, List<E> positive, List<E> negative, BiPredicate<E, V> hits, V value) {
            if (!positive.isEmpty()) {
                constraints.add(positive.stream().anyMatch(entry -> hits.test(entry, value)));
            }
            if (!negative.isEmpty()) {
                constraints.add(negative.stream().noneMatch(entry -> hits.test(entry, value)));
            }
        }

        static boolean text(StringMatch match, String text) {
            return switch (match) {
                case StringMatch.Exact(var value) -> text.equals(value);
                case StringMatch.Prefix(var value) -> text.startsWith(value);
                case StringMatch.Suffix(var value) -> text.endsWith(value);
                case StringMatch.Presence() -> !text.isEmpty();
            };
        }

        static boolean contains(Cidr cidr, IpAddress ip) {
            byte[] network = cidr.network().toBytes();
            byte[] address = ip.toBytes();
            int rest = 8 * network.length - cidr.length();
            return network.length == address.length
                    && new BigInteger(1, network).shiftRight(rest).equals(new BigInteger(1, address).shiftRight(rest));
        }
    }
}
