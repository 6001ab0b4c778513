package io.culvert.agent.mesh;

import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.policy.Rule;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.protocol.workload.Workload;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The policies of one snapshot, and the lists of those that apply. Immutable. */
final class PolicyIndex {
    /** Judges every workload for as long as it is not known which policies there are. */
    static final List<Policy> DENY_ALL = List.of(new Policy(
            new NamespacedName("culvert", "policies-not-received-yet"),
            Policy.Scope.GLOBAL,
            Policy.Action.DENY,
            List.of(new Rule(List.of())),
            false));

    private static final Comparator<Policy> ORDER = Comparator.comparing(
                    (Policy policy) -> policy.key().namespace())
            .thenComparing(policy -> policy.key().name());

    static final PolicyIndex EMPTY = new PolicyIndex(Map.of(), false);

    private final Map<NamespacedName, Policy> byKey;
    private final boolean complete;
    private final List<Policy> global;
    private final Map<String, List<Policy>> byNamespace;

    PolicyIndex(Map<NamespacedName, Policy> byKey, boolean complete) {
        this.byKey = Map.copyOf(byKey);
        this.complete = complete;
        this.global = inOrder(byKey.values(), Policy.Scope.GLOBAL);
        this.byNamespace = byNamespace();
    }

    boolean complete() {
        return complete;
    }

    Collection<Policy> all() {
        return byKey.values();
    }

    Map<NamespacedName, Policy> byKey() {
        return byKey;
    }

    @Nullable
    Policy policy(NamespacedName key) {
        return byKey.get(key);
    }

    /** What applies to a workload: global, of its namespace, and those that select it. Shared unless some select it. */
    List<Policy> applyingTo(Workload workload) {
        if (!complete) {
            return DENY_ALL;
        }
        List<Policy> unselected = byNamespace.getOrDefault(workload.namespace(), global);
        if (workload.authorizationPolicies().isEmpty()) {
            return unselected;
        }
        List<Policy> applying = new ArrayList<>(unselected);
        for (NamespacedName name : workload.authorizationPolicies()) {
            Policy policy = byKey.get(name);
            if (policy != null && !applying.contains(policy)) {
                applying.add(policy);
            }
        }
        return List.copyOf(applying);
    }

    private Map<String, List<Policy>> byNamespace() {
        Map<String, List<Policy>> lists = new HashMap<>();
        for (Policy policy : inOrder(byKey.values(), Policy.Scope.NAMESPACE)) {
            lists.computeIfAbsent(policy.namespace(), namespace -> new ArrayList<>(global))
                    .add(policy);
        }
        lists.replaceAll((namespace, list) -> List.copyOf(list));
        return Map.copyOf(lists);
    }

    private static List<Policy> inOrder(Collection<Policy> policies, Policy.Scope scope) {
        return policies.stream()
                .filter(policy -> policy.scope() == scope)
                .sorted(ORDER)
                .toList();
    }
}
