package io.culvert.control.file.policy;

import io.culvert.control.file.yaml.Field;
import io.culvert.control.file.yaml.Fields;
import io.culvert.control.file.yaml.Problems;
import io.culvert.protocol.net.Cidr;
import io.culvert.protocol.policy.Clause;
import io.culvert.protocol.policy.Match;
import io.culvert.protocol.policy.Match.ServiceAccountMatch;
import io.culvert.protocol.policy.Rule;
import io.culvert.protocol.policy.StringMatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@code rules: [{from, to, when}]}: any entry of {@code from}, and any entry of {@code to}, and every entry of
 * {@code when} must hold; a rule with none of them holds for every connection.
 *
 * <p>HTTP attributes are refused, not ignored: a rule that forgot one would decide something else than it says.
 */
public final class PolicyRules {
    private static final String L4_FIX = "remove it: the node agent sees connections, not requests";
    private static final Set<String> HTTP_SOURCE =
            Set.of("requestPrincipals", "notRequestPrincipals", "remoteIpBlocks", "notRemoteIpBlocks");
    private static final Set<String> HTTP_OPERATION =
            Set.of("hosts", "notHosts", "methods", "notMethods", "paths", "notPaths");

    /** How the values of one attribute are read into a match. */
    private interface Attribute {
        void read(MatchBuilder match, Fields condition, String namespace);
    }

    private static final Map<String, Attribute> ATTRIBUTES = Map.of(
            "source.ip",
                    (match, c, ns) -> {
                        List<Cidr> any = Conditions.blocks(c, "values");
                        match.sourceIps(any, Conditions.blocks(c, "notValues"));
                    },
            "source.namespace",
                    (match, c, ns) -> {
                        List<StringMatch> any = Conditions.namespaces(c, "values");
                        match.namespaces(any, Conditions.namespaces(c, "notValues"));
                    },
            "source.principal",
                    (match, c, ns) -> {
                        List<StringMatch> any = Conditions.principals(c, "values");
                        match.principals(any, Conditions.principals(c, "notValues"));
                    },
            "source.serviceAccount",
                    (match, c, ns) -> {
                        List<ServiceAccountMatch> any = Conditions.serviceAccounts(c, "values", ns);
                        match.serviceAccounts(any, Conditions.serviceAccounts(c, "notValues", ns));
                    },
            "destination.ip",
                    (match, c, ns) -> {
                        List<Cidr> any = Conditions.blocks(c, "values");
                        match.destinationIps(any, Conditions.blocks(c, "notValues"));
                    },
            "destination.port",
                    (match, c, ns) -> {
                        List<Integer> any = Conditions.ports(c, "values");
                        match.destinationPorts(any, Conditions.ports(c, "notValues"));
                    });

    private final String namespace;

    private PolicyRules(String namespace) {
        this.namespace = namespace;
    }

    /**
     * Reads the rules of a policy.
     *
     * @param namespace the policy's own, for service accounts that name none
     */
    public static List<Rule> read(Field rules, String namespace) {
        PolicyRules reader = new PolicyRules(namespace);
        List<Rule> read = new ArrayList<>();
        for (Field entry : rules.list()) {
            Fields rule = entry.fields();
            if (rule != null) {
                read.add(reader.rule(rule));
            }
        }
        return read;
    }

    private Rule rule(Fields rule) {
        List<Clause> clauses = new ArrayList<>();
        alternatives(rule.field("from"), "source", this::source, clauses);
        alternatives(rule.field("to"), "operation", PolicyRules::operation, clauses);
        Field when = rule.field("when");
        for (Field condition : when == null ? List.<Field>of() : when.listOfSome()) {
            Fields fields = condition.fields();
            if (fields != null) {
                clauses.add(new Clause(List.of(condition(fields))));
            }
        }
        rule.finish();
        return new Rule(clauses);
    }

    /** Reads one side of a match from its mapping. */
    private interface Side {
        Match read(Fields fields);
    }

    private static void alternatives(@Nullable Field list, String wrapper, Side side, List<Clause> clauses) {
        if (list == null) {
            return;
        }
        List<Match> matches = new ArrayList<>();
        for (Field entry : list.listOfSome()) {
            Fields outer = entry.fields();
            Field required = outer == null ? null : outer.required(wrapper);
            Fields inner = required == null ? null : required.fields();
            if (outer != null) {
                outer.finish();
            }
            if (inner != null) {
                requireSome(inner);
                matches.add(side.read(inner));
                inner.finish();
            }
        }
        clauses.add(new Clause(matches));
    }

    private static void requireSome(Fields fields) {
        if (fields.isEmpty()) {
            fields.self()
                    .wrong("constrains nothing, so it would never match", "name an attribute, or remove the entry");
        }
    }

    private Match source(Fields source) {
        source.refuse(HTTP_SOURCE, "an attribute of HTTP requests", L4_FIX);
        return new MatchBuilder()
                .principals(Conditions.principals(source, "principals"), Conditions.principals(source, "notPrincipals"))
                .namespaces(Conditions.namespaces(source, "namespaces"), Conditions.namespaces(source, "notNamespaces"))
                .serviceAccounts(
                        Conditions.serviceAccounts(source, "serviceAccounts", namespace),
                        Conditions.serviceAccounts(source, "notServiceAccounts", namespace))
                .sourceIps(Conditions.blocks(source, "ipBlocks"), Conditions.blocks(source, "notIpBlocks"))
                .build();
    }

    private static Match operation(Fields operation) {
        operation.refuse(HTTP_OPERATION, "an attribute of HTTP requests", L4_FIX);
        return new MatchBuilder()
                .destinationPorts(Conditions.ports(operation, "ports"), Conditions.ports(operation, "notPorts"))
                .build();
    }

    private Match condition(Fields condition) {
        Field key = condition.required("key");
        String attribute = key == null ? null : key.text();
        MatchBuilder match = new MatchBuilder();
        if (attribute == null || key == null || !constrain(match, attribute, condition)) {
            if (attribute != null && key != null) {
                key.wrong(
                        "'" + Problems.shown(attribute) + "' is not an attribute of a connection",
                        "use one of "
                                + String.join(
                                        ", ",
                                        ATTRIBUTES.keySet().stream().sorted().toList()));
            }
            condition.field("values");
            condition.field("notValues");
        } else if (condition.field("values") == null && condition.field("notValues") == null) {
            condition.self().wrong("has neither 'values' nor 'notValues'", "add one of them");
        }
        condition.finish();
        return match.build();
    }

    private boolean constrain(MatchBuilder match, String attribute, Fields condition) {
        Attribute reader = ATTRIBUTES.get(attribute);
        if (reader != null) {
            reader.read(match, condition, namespace);
        }
        return reader != null;
    }
}
