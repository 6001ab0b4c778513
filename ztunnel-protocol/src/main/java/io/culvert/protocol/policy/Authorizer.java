package io.culvert.protocol.policy;

import io.culvert.protocol.identity.PeerIdentity;
import java.util.ArrayList;
import java.util.List;

/**
 * Decides whether a connection may be opened, from the policies that apply to its destination.
 *
 * <p>Order: enforced DENY, then whether any enforced ALLOW exists, then enforced ALLOW. Dry-run policies never decide;
 * {@link #dryRunMatches} tells what they would have said.
 *
 * <p>Runs on: any. Allocates only the decision.
 */
public final class Authorizer {
    private static final Decision ALLOW_BY_DEFAULT = new Decision.Allow(null);

    private static final String DENIED = "a DENY policy matches the connection";
    private static final String NOT_ALLOWED = "ALLOW policies exist for this workload and none of them matches";

    private Authorizer() {}

    /** Decides from the candidate policies of the destination. */
    public static Decision decide(List<Policy> candidates, PeerFacts facts) {
        boolean allowExists = false;
        Policy allowing = null;
        for (int i = 0; i < candidates.size(); i++) {
            Policy policy = candidates.get(i);
            if (policy.dryRun()) {
                continue;
            }
            boolean allows = policy.action() == Policy.Action.ALLOW;
            allowExists |= allows;
            if (allows && allowing != null || !matches(policy, facts)) {
                continue;
            }
            if (!allows) {
                return new Decision.Deny(policy.key(), DENIED);
            }
            allowing = policy;
        }
        if (allowing != null) {
            return new Decision.Allow(allowing.key());
        }
        return allowExists ? new Decision.Deny(null, NOT_ALLOWED) : ALLOW_BY_DEFAULT;
    }

    /**
     * The candidates that are in dry-run and match, for counting; asked after the connection was decided.
     *
     * <p>Allocates only when there is one.
     */
    public static List<Policy> dryRunMatches(List<Policy> candidates, PeerFacts facts) {
        List<Policy> found = List.of();
        for (int i = 0; i < candidates.size(); i++) {
            Policy policy = candidates.get(i);
            if (policy.dryRun() && matches(policy, facts)) {
                if (found.isEmpty()) {
                    found = new ArrayList<>();
                }
                found.add(policy);
            }
        }
        return found;
    }

    /** Whether any rule of a policy holds, whatever its action and whether or not it is enforced. */
    public static boolean matches(Policy policy, PeerFacts facts) {
        for (int i = 0; i < policy.rules().size(); i++) {
            if (matches(policy.rules().get(i), facts)) {
                return true;
            }
        }
        return false;
    }

    private static boolean matches(Rule rule, PeerFacts facts) {
        for (int i = 0; i < rule.clauses().size(); i++) {
            if (!matches(rule.clauses().get(i), facts)) {
                return false;
            }
        }
        return true;
    }

    private static boolean matches(Clause clause, PeerFacts facts) {
        List<Match> matches = clause.matches();
        for (int i = 0; i < matches.size(); i++) {
            if (MatchEvaluator.matches(matches.get(i), facts)) {
                return true;
            }
        }
        return matches.isEmpty();
    }

    static String namespaceOf(PeerIdentity identity) {
        return identity instanceof PeerIdentity.Verified verified
                ? verified.id().namespace()
                : "";
    }
}
