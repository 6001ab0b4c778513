package io.culvert.protocol.policy;

import io.culvert.protocol.workload.NamespacedName;
import java.util.List;

/**
 * An L4 authorization policy.
 *
 * @param key {@code namespace/name}
 * @param scope whom it applies to
 * @param action what a match means
 * @param rules any of them suffices; without rules it never matches
 * @param dryRun it is evaluated and reported, never enforced
 */
public record Policy(NamespacedName key, Scope scope, Action action, List<Rule> rules, boolean dryRun) {
    public Policy {
        rules = List.copyOf(rules);
    }

    /** Whom a policy applies to. */
    public enum Scope {
        /** Every workload of the mesh. */
        GLOBAL,
        /** Every workload of the policy's namespace. */
        NAMESPACE,
        /** The workloads that name it. */
        WORKLOAD_SELECTOR
    }

    /** What a match means. */
    public enum Action {
        ALLOW,
        DENY
    }
}
