package io.culvert.protocol.policy;

import io.culvert.protocol.workload.NamespacedName;
import java.util.List;

/**
 * An L4 authorization policy.
 *
 * @param key the name it is sent, selected and removed by, {@code namespace/name} as a rule
 * @param namespace whose workloads it applies to if its scope is a namespace
 * @param scope whom it applies to
 * @param action what a match means
 * @param rules any of them suffices; without rules it never matches
 * @param dryRun it is evaluated and reported, never enforced
 */
public record Policy(
        NamespacedName key, String namespace, Scope scope, Action action, List<Rule> rules, boolean dryRun) {
    public Policy {
        rules = List.copyOf(rules);
    }

    /** A policy of the namespace that its key names. */
    public Policy(NamespacedName key, Scope scope, Action action, List<Rule> rules, boolean dryRun) {
        this(key, key.namespace(), scope, action, rules, dryRun);
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
