package io.culvert.protocol.policy;

import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.Cidr;
import io.culvert.protocol.net.IpAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Evaluates one {@link Match}: every attribute that is constrained must hold, and one must be. */
final class MatchEvaluator {
    private MatchEvaluator() {}

    static boolean matches(Match match, PeerFacts facts) {
        return !match.isEmpty()
                && namespacesHold(match, facts.identity())
                && serviceAccountsHold(match, facts.identity())
                && principalsHold(match, facts.identity())
                && addressesHold(match.sourceIps(), match.notSourceIps(), facts.source())
                && addressesHold(match.destinationIps(), match.notDestinationIps(), facts.destination())
                && portsHold(match, facts.destinationPort());
    }

    private static boolean namespacesHold(Match match, PeerIdentity identity) {
        String namespace = Authorizer.namespaceOf(identity);
        return (match.namespaces().isEmpty() || anyText(match.namespaces(), namespace))
                && !anyText(match.notNamespaces(), namespace);
    }

    private static boolean serviceAccountsHold(Match match, PeerIdentity identity) {
        @Nullable SpiffeId id = idOf(identity);
        return (match.serviceAccounts().isEmpty() || anyAccount(match.serviceAccounts(), id))
                && !anyAccount(match.notServiceAccounts(), id);
    }

    private static boolean principalsHold(Match match, PeerIdentity identity) {
        @Nullable SpiffeId id = idOf(identity);
        return (match.principals().isEmpty() || anyPrincipal(match.principals(), id))
                && !anyPrincipal(match.notPrincipals(), id);
    }

    private static boolean addressesHold(List<Cidr> positive, List<Cidr> negative, IpAddress ip) {
        return (positive.isEmpty() || anyCidr(positive, ip)) && !anyCidr(negative, ip);
    }

    private static boolean portsHold(Match match, int port) {
        return (match.destinationPorts().isEmpty() || anyPort(match.destinationPorts(), port))
                && !anyPort(match.notDestinationPorts(), port);
    }

    private static @Nullable SpiffeId idOf(PeerIdentity identity) {
        return identity instanceof PeerIdentity.Verified verified ? verified.id() : null;
    }

    private static boolean anyText(List<StringMatch> matches, String text) {
        for (int i = 0; i < matches.size(); i++) {
            if (matches.get(i).matches(text)) {
                return true;
            }
        }
        return false;
    }

    private static boolean anyPrincipal(List<StringMatch> matches, @Nullable SpiffeId id) {
        if (id == null) {
            return false;
        }
        for (int i = 0; i < matches.size(); i++) {
            if (principalIs(matches.get(i), id)) {
                return true;
            }
        }
        return false;
    }

    /** The same as matching the principal's text, which is not built here because every connection comes by. */
    private static boolean principalIs(StringMatch match, SpiffeId id) {
        return switch (match) {
            case StringMatch.Exact exact ->
                exact.value().length() == id.principalLength() && id.principalHas(exact.value(), 0);
            case StringMatch.Prefix prefix -> id.principalHas(prefix.value(), 0);
            case StringMatch.Suffix suffix ->
                id.principalHas(
                        suffix.value(), id.principalLength() - suffix.value().length());
            case StringMatch.Presence presence -> true;
        };
    }

    private static boolean anyAccount(List<Match.ServiceAccountMatch> matches, @Nullable SpiffeId id) {
        if (id == null) {
            return false;
        }
        for (int i = 0; i < matches.size(); i++) {
            Match.ServiceAccountMatch match = matches.get(i);
            if (match.namespace().equals(id.namespace())
                    && match.serviceAccount().equals(id.serviceAccount())) {
                return true;
            }
        }
        return false;
    }

    private static boolean anyCidr(List<Cidr> cidrs, IpAddress ip) {
        for (int i = 0; i < cidrs.size(); i++) {
            if (cidrs.get(i).contains(ip)) {
                return true;
            }
        }
        return false;
    }

    private static boolean anyPort(List<Integer> ports, int port) {
        for (int i = 0; i < ports.size(); i++) {
            if (ports.get(i) == port) {
                return true;
            }
        }
        return false;
    }
}
