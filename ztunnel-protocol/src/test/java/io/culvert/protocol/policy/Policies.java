package io.culvert.protocol.policy;

import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.Cidr;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.policy.Match.ServiceAccountMatch;
import io.culvert.protocol.workload.NamespacedName;
import java.util.List;

/** Policies and facts, briefly written. */
final class Policies {
    private Policies() {}

    /** One attribute of a match, positive and negative. */
    static final class MatchBuilder {
        List<StringMatch> namespaces = List.of();
        List<StringMatch> notNamespaces = List.of();
        List<ServiceAccountMatch> serviceAccounts = List.of();
        List<ServiceAccountMatch> notServiceAccounts = List.of();
        List<StringMatch> principals = List.of();
        List<StringMatch> notPrincipals = List.of();
        List<Cidr> sourceIps = List.of();
        List<Cidr> notSourceIps = List.of();
        List<Cidr> destinationIps = List.of();
        List<Cidr> notDestinationIps = List.of();
        List<Integer> ports = List.of();
        List<Integer> notPorts = List.of();

        Match build() {
            return new Match(
                    namespaces,
                    notNamespaces,
                    serviceAccounts,
                    notServiceAccounts,
                    principals,
                    notPrincipals,
                    sourceIps,
                    notSourceIps,
                    destinationIps,
                    notDestinationIps,
                    ports,
                    notPorts);
        }
    }

    static MatchBuilder match() {
        return new MatchBuilder();
    }

    static Policy allow(String name, Rule... rules) {
        return policy(name, Policy.Action.ALLOW, false, rules);
    }

    static Policy deny(String name, Rule... rules) {
        return policy(name, Policy.Action.DENY, false, rules);
    }

    static Policy policy(String name, Policy.Action action, boolean dryRun, Rule... rules) {
        return new Policy(new NamespacedName("ns", name), Policy.Scope.NAMESPACE, action, List.of(rules), dryRun);
    }

    static Rule rule(Match... anyOf) {
        return new Rule(List.of(new Clause(List.of(anyOf))));
    }

    static final Rule EVERYTHING = new Rule(List.of());
    static final Rule NOTHING = rule(Match.NEVER);

    static PeerFacts from(String spiffe) {
        return facts(new PeerIdentity.Verified(SpiffeId.parse(spiffe)), "10.0.0.1", "10.0.0.2", 80);
    }

    static PeerFacts plaintext() {
        return facts(PeerIdentity.PLAINTEXT, "10.0.0.1", "10.0.0.2", 80);
    }

    static PeerFacts facts(PeerIdentity identity, String source, String destination, int port) {
        return new PeerFacts(identity, IpAddress.parse(source), IpAddress.parse(destination), port);
    }
}
