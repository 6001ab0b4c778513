package io.culvert.control.file.policy;

import io.culvert.protocol.net.Cidr;
import io.culvert.protocol.policy.Match;
import io.culvert.protocol.policy.Match.ServiceAccountMatch;
import io.culvert.protocol.policy.StringMatch;
import java.util.List;

/** A {@link Match} whose attributes are set one by one; what is not set constrains nothing. */
final class MatchBuilder {
    private List<StringMatch> namespaces = List.of();
    private List<StringMatch> notNamespaces = List.of();
    private List<ServiceAccountMatch> serviceAccounts = List.of();
    private List<ServiceAccountMatch> notServiceAccounts = List.of();
    private List<StringMatch> principals = List.of();
    private List<StringMatch> notPrincipals = List.of();
    private List<Cidr> sourceIps = List.of();
    private List<Cidr> notSourceIps = List.of();
    private List<Cidr> destinationIps = List.of();
    private List<Cidr> notDestinationIps = List.of();
    private List<Integer> destinationPorts = List.of();
    private List<Integer> notDestinationPorts = List.of();

    MatchBuilder namespaces(List<StringMatch> any, List<StringMatch> none) {
        namespaces = any;
        notNamespaces = none;
        return this;
    }

    MatchBuilder serviceAccounts(List<ServiceAccountMatch> any, List<ServiceAccountMatch> none) {
        serviceAccounts = any;
        notServiceAccounts = none;
        return this;
    }

    MatchBuilder principals(List<StringMatch> any, List<StringMatch> none) {
        principals = any;
        notPrincipals = none;
        return this;
    }

    MatchBuilder sourceIps(List<Cidr> any, List<Cidr> none) {
        sourceIps = any;
        notSourceIps = none;
        return this;
    }

    MatchBuilder destinationIps(List<Cidr> any, List<Cidr> none) {
        destinationIps = any;
        notDestinationIps = none;
        return this;
    }

    MatchBuilder destinationPorts(List<Integer> any, List<Integer> none) {
        destinationPorts = any;
        notDestinationPorts = none;
        return this;
    }

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
                destinationPorts,
                notDestinationPorts);
    }
}
