package io.culvert.control.local;

import io.culvert.control.file.yaml.Field;
import io.culvert.control.file.yaml.Fields;
import io.culvert.control.file.yaml.Names;
import io.culvert.protocol.net.Cidr;
import io.culvert.protocol.policy.Clause;
import io.culvert.protocol.policy.Match;
import io.culvert.protocol.policy.Match.ServiceAccountMatch;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.policy.Rule;
import io.culvert.protocol.policy.StringMatch;
import io.culvert.protocol.workload.NamespacedName;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Reads {@code policies}. An attribute with an empty list is refused: it would constrain nothing, which nobody meant. */
final class LocalPolicies {
    private static final String NO_CIDR = "write an address or a prefix such as 10.0.0.0/8";

    private final Map<NamespacedName, Fields> keys = new HashMap<>();

    List<Policy> read(Fields root) {
        List<Policy> policies = new ArrayList<>();
        for (Field entry : root.list("policies")) {
            Fields fields = entry.fields();
            if (fields != null) {
                Policy policy = policy(fields);
                policies.add(policy);
                fields.finish();
                Fields first = keys.putIfAbsent(policy.key(), fields);
                if (first != null) {
                    fields.blame("name")
                            .wrong(
                                    "the policy " + policy.key() + " is on "
                                            + first.self().where() + " already",
                                    "rename one of them");
                }
            }
        }
        return policies;
    }

    /** Whom it is for and what it does has no default: a guess would be somebody's open door. */
    private static Policy policy(Fields p) {
        Field nameField = p.required("name");
        String name = nameField == null ? null : nameField.parsed(Names::subdomain, Names.SUBDOMAIN_FIX);
        Field namespaceField = p.required("namespace");
        String namespace = namespaceField == null ? null : namespaceField.parsed(Names::label, Names.LABEL_FIX);
        p.required("scope");
        p.required("action");
        p.required("rules");
        List<Rule> rules = new ArrayList<>();
        for (Field rule : p.list("rules")) {
            List<Clause> clauses = new ArrayList<>();
            for (Field clause : rule.list()) {
                clauses.add(new Clause(matches(clause)));
            }
            rules.add(new Rule(clauses));
        }
        return new Policy(
                new NamespacedName(namespace == null ? "" : namespace, name == null ? "" : name),
                p.choice("scope", LocalValues.pascal(Policy.Scope.values()), Policy.Scope.GLOBAL),
                p.choice("action", LocalValues.pascal(Policy.Action.values()), Policy.Action.DENY),
                rules,
                p.flag("dryRun", false));
    }

    private static List<Match> matches(Field clause) {
        List<Match> matches = new ArrayList<>();
        for (Field entry : clause.list()) {
            Fields m = entry.fields();
            if (m != null) {
                matches.add(match(m));
                m.finish();
            }
        }
        return matches;
    }

    private static Match match(Fields m) {
        return new Match(
                some(m, "namespaces", LocalPolicies::text),
                some(m, "notNamespaces", LocalPolicies::text),
                some(m, "serviceAccounts", LocalPolicies::account),
                some(m, "notServiceAccounts", LocalPolicies::account),
                some(m, "principals", LocalPolicies::text),
                some(m, "notPrincipals", LocalPolicies::text),
                some(m, "sourceIps", field -> field.parsed(Cidr::parse, NO_CIDR)),
                some(m, "notSourceIps", field -> field.parsed(Cidr::parse, NO_CIDR)),
                some(m, "destinationIps", field -> field.parsed(Cidr::parse, NO_CIDR)),
                some(m, "notDestinationIps", field -> field.parsed(Cidr::parse, NO_CIDR)),
                some(m, "destinationPorts", field -> field.number(0, 65_535, 0)),
                some(m, "notDestinationPorts", field -> field.number(0, 65_535, 0)));
    }

    private static <T> List<T> some(Fields m, String key, Function<Field, @Nullable T> reader) {
        Field field = m.field(key);
        List<T> values = new ArrayList<>();
        if (field != null) {
            for (Field entry : field.listOfSome()) {
                T value = reader.apply(entry);
                if (value != null) {
                    values.add(value);
                }
            }
        }
        return values;
    }

    private static @Nullable StringMatch text(Field field) {
        Fields fields = field.fields();
        if (fields == null) {
            return null;
        }
        StringMatch found = null;
        if (fields.field("Presence") != null) {
            found = new StringMatch.Presence();
        } else if (fields.field("Prefix") != null) {
            found = new StringMatch.Prefix(fields.text("Prefix", ""));
        } else if (fields.field("Suffix") != null) {
            found = new StringMatch.Suffix(fields.text("Suffix", ""));
        } else if (fields.required("Exact") != null) {
            found = new StringMatch.Exact(fields.text("Exact", ""));
        }
        fields.finish();
        return found;
    }

    private static @Nullable ServiceAccountMatch account(Field field) {
        Fields fields = field.fields();
        if (fields == null) {
            return null;
        }
        fields.required("namespace");
        fields.required("serviceAccount");
        ServiceAccountMatch match =
                new ServiceAccountMatch(fields.text("namespace", ""), fields.text("serviceAccount", ""));
        fields.finish();
        return match;
    }
}
