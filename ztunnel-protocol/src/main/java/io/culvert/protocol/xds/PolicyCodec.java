package io.culvert.protocol.xds;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;
import io.culvert.protocol.policy.Clause;
import io.culvert.protocol.policy.Match;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.policy.Rule;
import io.culvert.protocol.wire.security.Action;
import io.culvert.protocol.wire.security.Authorization;
import io.culvert.protocol.wire.security.Scope;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.protocol.xds.ConversionFault.Reason;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Policies between message and record.
 *
 * <p>A policy is known by its resource's name. Its message repeats namespace and name; whom a namespace-wide policy
 * protects is the message's to say, and any difference is reported.
 *
 * <p>Bounds: {@link MeshResources#RESOURCE_BYTES_MAX}, and {@value #PARTS_MAX} rules, clauses, matches and conditions
 * together. A policy past them is in force by its strictest reading, as far as it was read: it denies every connection
 * that it could deny, or allows none.
 */
final class PolicyCodec {
    static final int PARTS_MAX = 200_000;
    private static final int NAME_TAG = Authorization.NAME_FIELD_NUMBER << 3 | WireFormat.WIRETYPE_LENGTH_DELIMITED;
    private static final int NAMESPACE_TAG =
            Authorization.NAMESPACE_FIELD_NUMBER << 3 | WireFormat.WIRETYPE_LENGTH_DELIMITED;
    private static final int SCOPE_TAG = Authorization.SCOPE_FIELD_NUMBER << 3 | WireFormat.WIRETYPE_VARINT;
    private static final int ACTION_TAG = Authorization.ACTION_FIELD_NUMBER << 3 | WireFormat.WIRETYPE_VARINT;
    private static final int DRY_RUN_TAG = Authorization.DRY_RUN_FIELD_NUMBER << 3 | WireFormat.WIRETYPE_VARINT;

    private PolicyCodec() {}

    static Policy read(String resourceName, Authorization wire, List<ConversionFault> warnings)
            throws ConversionException {
        if (parts(wire) > PARTS_MAX) {
            return strictest(resourceName, wire, new ConversionException(Reason.TOO_MANY, "rules"), warnings);
        }
        MatchCodec matches = new MatchCodec(resourceName, action(wire.getAction()), warnings);
        return policy(resourceName, wire, rules(wire.getRulesList(), matches), warnings);
    }

    /** The policy that is at least as strict as the one of which only the head was read. */
    static Policy strictest(
            String resourceName, Authorization head, ConversionException why, List<ConversionFault> warnings)
            throws ConversionException {
        // A rule without clauses holds for every connection; where there is no rule none is allowed.
        List<Rule> rules = switch (action(head.getAction())) {
            case DENY -> List.of(new Rule(List.of()));
            case ALLOW -> List.of();
        };
        Policy policy = policy(resourceName, head, rules, warnings);
        warnings.add(why.fault(resourceName));
        warnings.add(new ConversionFault(resourceName, Reason.STRICTEST_READING, ""));
        return policy;
    }

    /** All but the rules of a policy that is too large to be read. */
    static Authorization head(CodedInputStream in) throws IOException {
        var head = Authorization.newBuilder();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (tag) {
                case NAME_TAG -> head.setName(shortText(in));
                case NAMESPACE_TAG -> head.setNamespace(shortText(in));
                case SCOPE_TAG -> head.setScopeValue(in.readEnum());
                case ACTION_TAG -> head.setActionValue(in.readEnum());
                case DRY_RUN_TAG -> head.setDryRun(in.readBool());
                default -> in.skipField(tag);
            }
        }
        return head.build();
    }

    /** A longer one could not be meant for any workload. */
    private static String shortText(CodedInputStream in) throws IOException {
        int length = in.readRawVarint32();
        if (length < 0 || length > ResponseReader.NAME_BYTES_MAX) {
            throw new InvalidProtocolBufferException("a name is too long");
        }
        return new String(in.readRawBytes(length), StandardCharsets.UTF_8);
    }

    private static Policy policy(
            String resourceName, Authorization wire, List<Rule> rules, List<ConversionFault> warnings)
            throws ConversionException {
        NamespacedName key = FieldReader.policyName("", resourceName);
        if (!key.equals(new NamespacedName(wire.getNamespace(), wire.getName()))) {
            warnings.add(new ConversionFault(resourceName, Reason.NAME_MISMATCH, "name"));
        }
        return new Policy(
                key,
                FieldReader.text("namespace", wire.getNamespace()),
                scope(wire.getScope()),
                action(wire.getAction()),
                rules,
                wire.getDryRun());
    }

    private static long parts(Authorization wire) {
        long parts = wire.getRulesCount();
        for (var rule : wire.getRulesList()) {
            parts += rule.getClausesCount();
            for (var clause : rule.getClausesList()) {
                parts += clause.getMatchesCount();
                for (var match : clause.getMatchesList()) {
                    parts += MatchCodec.conditions(match);
                }
            }
        }
        return parts;
    }

    private static List<Rule> rules(List<io.culvert.protocol.wire.security.Rule> wire, MatchCodec matches) {
        List<Rule> out = new ArrayList<>(wire.size());
        for (var rule : wire) {
            List<Clause> clauses = new ArrayList<>(rule.getClausesCount());
            for (var clause : rule.getClausesList()) {
                clauses.add(clause(clause, matches));
            }
            out.add(new Rule(clauses));
        }
        return out;
    }

    private static Clause clause(io.culvert.protocol.wire.security.Clause wire, MatchCodec matches) {
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
                .setNamespace(policy.namespace())
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
