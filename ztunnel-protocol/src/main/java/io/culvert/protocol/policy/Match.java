package io.culvert.protocol.policy;

import io.culvert.protocol.net.Cidr;
import java.util.List;

/**
 * Conditions on a connection, all of which must hold: within one attribute any positive entry suffices and no negative
 * one may hit. A match without any condition never matches.
 */
public record Match(
        List<StringMatch> namespaces,
        List<StringMatch> notNamespaces,
        List<ServiceAccountMatch> serviceAccounts,
        List<ServiceAccountMatch> notServiceAccounts,
        List<StringMatch> principals,
        List<StringMatch> notPrincipals,
        List<Cidr> sourceIps,
        List<Cidr> notSourceIps,
        List<Cidr> destinationIps,
        List<Cidr> notDestinationIps,
        List<Integer> destinationPorts,
        List<Integer> notDestinationPorts) {
    /** Without any condition. */
    public static final Match NEVER = ofSources(List.of());

    /** Holds for every connection, of either address family. */
    public static final Match ALWAYS = ofSources(List.of(Cidr.parse("0.0.0.0/0"), Cidr.parse("::/0")));

    public Match {
        namespaces = List.copyOf(namespaces);
        notNamespaces = List.copyOf(notNamespaces);
        serviceAccounts = List.copyOf(serviceAccounts);
        notServiceAccounts = List.copyOf(notServiceAccounts);
        principals = List.copyOf(principals);
        notPrincipals = List.copyOf(notPrincipals);
        sourceIps = List.copyOf(sourceIps);
        notSourceIps = List.copyOf(notSourceIps);
        destinationIps = List.copyOf(destinationIps);
        notDestinationIps = List.copyOf(notDestinationIps);
        destinationPorts = List.copyOf(destinationPorts);
        notDestinationPorts = List.copyOf(notDestinationPorts);
    }

    private static Match ofSources(List<Cidr> sources) {
        return new Match(
                List.of(), List.of(), List.of(), List.of(), List.of(), List.of(), sources, List.of(), List.of(),
                List.of(), List.of(), List.of());
    }

    /** Without any condition it never matches. */
    public boolean isEmpty() {
        return namespaces.isEmpty()
                && notNamespaces.isEmpty()
                && serviceAccounts.isEmpty()
                && notServiceAccounts.isEmpty()
                && principals.isEmpty()
                && notPrincipals.isEmpty()
                && sourceIps.isEmpty()
                && notSourceIps.isEmpty()
                && destinationIps.isEmpty()
                && notDestinationIps.isEmpty()
                && destinationPorts.isEmpty()
                && notDestinationPorts.isEmpty();
    }

    /** A service account of a namespace, in any trust domain. */
    public record ServiceAccountMatch(String namespace, String serviceAccount) {}
}
