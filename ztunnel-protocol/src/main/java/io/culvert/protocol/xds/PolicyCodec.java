package io.culvert.protocol.xds;

import io.culvert.protocol.policy.Clause;
import io.culvert.protocol.policy.Match;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.policy.Rule;
import io.culvert.protocol.wire.security.Action;
import io.culvert.protocol.wire.security.Authorization;
import io.culvert.protocol.wire.security.Scope;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.protocol.xds.ConversionFault.Reason;
import java.util.ArrayList;
import java.util.List;

/**
 * Policies between message and record.
 *
 * <p>A policy is known by its resource's name. Its message repeats namespace and name; where a namespace-wide policy's
 * two namespaces differ it is not clear whom it protects, so it is rejected, any other difference is only reported.
 */
final class PolicyCodec {
    private PolicyCodec() {}

    static Policy read(String resourceName, Authorization wire, List<ConversionFault> warnings)
            throws ConversionException {
        NamespacedName key = FieldReader.name("", resourceName);
        Policy.Scope scope = scope(wire.getScope());
        if (!key.namespace().equals(wire.getNamespace()) || !key.name().equals(wire.getName())) {
            if (scope == Policy.Scope.NAMESPACE && !key.namespace().equals(wire.getNamespace())) {
                throw new ConversionException(Reason.NAME_MISMATCH, "namespace");
            }
            warnings.add(new ConversionFault(resourceName, Reason.NAME_MISMATCH, "name"));
        }
        Policy.Action action = action(wire.getAction());
        MatchCodec matches = new MatchCodec(resourceName, action, warnings);
        return new Policy(key, scope, action, rules(wire.getRulesList(), matches), wire.getDryRun());
    }

    private static List<Rule> rules(List<io.culvert.protocol.wire.security.Rule> wire, MatchCodec matches)
            throws ConversionException {
        FieldReader.count("rules", wire.size());
        List<Rule> out = new ArrayList<>(wire.size());
        for (var rule : wire) {
            FieldReader.count("rules.clauses", rule.getClausesCount());
            List<Clause> clauses = new ArrayList<>(rule.getClausesCount());
            for (var clause : rule.getClausesList()) {
                clauses.add(clause(clause, matches));
            }
            out.add(new Rule(clauses));
        }
        return out;
    }

    private static Clause clause(io.culvert.protocol.wire.security.Clause wire, MatchCodec matches)
            throws ConversionException {
        FieldReader.count("rules.clauses.matches", wire.getMatchesCount());
        List<Match> out = new ArrayList<>(wire.getMatchesCount());
        for (var match : wire.getMatchesList()) {
            out.add(matches.read(match));
        }
        return new Clause(out);
    }

    private static Policy.Scope scope(Scope wire) throws ConversionException {
        return switch (wire) {
            case GLOBAL -> Policy.Scope.GLOBAL;
            case NAMESPACE -> Policy.Scope.NAMESPACE;
            case WORKLOAD_SELECTOR -> Policy.Scope.WORKLOAD_SELECTOR;
            case UNRECOGNIZED -> throw new ConversionException(Reason.UNKNOWN_VALUE, "scope");
        };
    }

    private static Policy.Action action(Action wire) throws ConversionException {
        return switch (wire) {
            case ALLOW -> Policy.Action.ALLOW;
            case DENY -> Policy.Action.DENY;
            case UNRECOGNIZED -> throw new ConversionException(Reason.UNKNOWN_VALUE, "action");
        };
    }

    static Authorization write(Policy policy) {
        var out = Authorization.newBuilder()
                .setName(policy.key().name())
                .setNamespace(policy.key().namespace())
                .setScope(
                        switch (policy.scope()) {
                            case GLOBAL -> Scope.GLOBAL;
                            case NAMESPACE -> Scope.NAMESPACE;
                            case WORKLOAD_SELECTOR -> Scope.WORKLOAD_SELECTOR;
                        })
                .setAction(
                        switch (policy.action()) {
                            case ALLOW -> Action.ALLOW;
                            case DENY -> Action.DENY;
                        })
                .setDryRun(policy.dryRun());
        for (Rule rule : policy.rules()) {
            var wireRule = io.culvert.protocol.wire.security.Rule.newBuilder();
            for (Clause clause : rule.clauses()) {
                var wireClause = io.culvert.protocol.wire.security.Clause.newBuilder();
                clause.matches().forEach(match -> wireClause.addMatches(MatchCodec.write(match)));
                wireRule.addClauses(wireClause);
            }
            out.addRules(wireRule);
        }
        return out.build();
    }
}
