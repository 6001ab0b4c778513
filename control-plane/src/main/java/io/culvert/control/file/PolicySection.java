package io.culvert.control.file;

import io.culvert.control.file.policy.PolicyRules;
import io.culvert.control.file.yaml.Field;
import io.culvert.control.file.yaml.Fields;
import io.culvert.control.file.yaml.Names;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.policy.Rule;
import io.culvert.protocol.workload.NamespacedName;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Reads the entries of {@code policies}, and tells the workloads that they select. */
final class PolicySection {
    private final MeshFile.Settings settings;
    private final MeshIndex index;
    private final Map<NamespacedName, Fields> keys = new HashMap<>();

    PolicySection(MeshFile.Settings settings, MeshIndex index) {
        this.settings = settings;
        this.index = index;
    }

    List<Policy> read(Fields root) {
        List<Policy> policies = new ArrayList<>();
        for (Field entry : root.list("policies")) {
            Fields fields = entry.fields();
            if (fields != null) {
                policies.add(policy(fields));
                fields.finish();
            }
        }
        return policies;
    }

    private Policy policy(Fields p) {
        NamespacedName key = key(p, settings.rootNamespace());
        Fields first = keys.putIfAbsent(key, p);
        if (first != null) {
            p.blame("name")
                    .wrong(
                            "there is a policy " + key + " already, on "
                                    + first.self().where(),
                            "rename one of them");
        }
        p.refuse(
                Set.of("targetRef", "targetRefs"),
                "policies of waypoints are not enforced by the node agent",
                "remove it, or use 'selector'");
        Policy.Action action = p.choice(
                "action", Map.of("ALLOW", Policy.Action.ALLOW, "DENY", Policy.Action.DENY), Policy.Action.ALLOW);
        Field rulesField = p.field("rules");
        List<Rule> rules = rulesField == null ? List.of() : PolicyRules.read(rulesField, key.namespace());
        if (action == Policy.Action.DENY && rules.isEmpty()) {
            p.self().wrong("a DENY policy without rules denies nothing", "add 'rules: [{}]' to deny everything");
        }
        return new Policy(key, scope(p, key), action, rules, p.flag("dryRun", false));
    }

    private Policy.Scope scope(Fields p, NamespacedName key) {
        Selection selection = Selection.read(p);
        if (selection == null) {
            return key.namespace().equals(settings.rootNamespace()) ? Policy.Scope.GLOBAL : Policy.Scope.NAMESPACE;
        }
        selection.in(index, key.namespace(), settings.rootNamespace()).forEach(draft -> draft.judgeBy(key));
        return Policy.Scope.WORKLOAD_SELECTOR;
    }

    /** Namespace and name; the namespace must be written, since it decides whom the policy is for. */
    static NamespacedName key(Fields p, String rootNamespace) {
        Field nameField = p.required("name");
        String name = nameField == null ? null : nameField.parsed(Names::subdomain, Names.SUBDOMAIN_FIX);
        Field namespaceField = p.field("namespace");
        if (namespaceField == null) {
            p.self()
                    .wrong(
                            "has no 'namespace'",
                            "add 'namespace: ...'; '" + rootNamespace
                                    + "' is the one whose policies are for the whole mesh");
        }
        String namespace = namespaceField == null ? null : namespaceField.parsed(Names::label, Names.LABEL_FIX);
        return new NamespacedName(namespace == null ? "" : namespace, name == null ? "" : name);
    }
}
