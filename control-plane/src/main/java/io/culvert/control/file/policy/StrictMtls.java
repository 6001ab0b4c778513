package io.culvert.control.file.policy;

import io.culvert.protocol.policy.Clause;
import io.culvert.protocol.policy.Match;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.policy.Rule;
import io.culvert.protocol.policy.StringMatch;
import io.culvert.protocol.workload.NamespacedName;
import java.util.ArrayList;
import java.util.List;

/**
 * Peer authentication as policies: a peer that must prove an identity and proved none is denied.
 *
 * <p>Source: the names and the shape are those that Istio's control plane gives such policies.
 */
public final class StrictMtls {
    private static final String STATIC_NAME = "istio_converted_static_strict";
    private static final String CONVERTED_PREFIX = "converted_peer_authentication_";

    private StrictMtls() {}

    /** Denies every peer without identity. */
    public static Policy everywhere(String rootNamespace) {
        return policy(new NamespacedName(rootNamespace, STATIC_NAME), List.of());
    }

    /**
     * Denies peers without identity on every port but some.
     *
     * @param inherited the mode comes from elsewhere, so that the same peer authentication may also be lenient somewhere
     */
    public static Policy exceptOn(List<Integer> ports, NamespacedName peerAuthentication, boolean inherited) {
        Match elsewhere = new MatchBuilder().destinationPorts(List.of(), ports).build();
        return policy(converted(peerAuthentication, inherited ? "_strict" : ""), List.of(elsewhere));
    }

    /** Denies peers without identity on some ports only. */
    public static Policy onlyOn(List<Integer> ports, NamespacedName peerAuthentication) {
        Match there = new MatchBuilder().destinationPorts(ports, List.of()).build();
        return policy(converted(peerAuthentication, ""), List.of(there));
    }

    private static NamespacedName converted(NamespacedName key, String suffix) {
        return new NamespacedName(key.namespace(), CONVERTED_PREFIX + key.name() + suffix);
    }

    private static Policy policy(NamespacedName key, List<Match> where) {
        Match noIdentity = new MatchBuilder()
                .principals(List.of(), List.of(new StringMatch.Presence()))
                .build();
        List<Clause> clauses = new ArrayList<>(List.of(new Clause(List.of(noIdentity))));
        where.forEach(match -> clauses.add(new Clause(List.of(match))));
        return new Policy(key, Policy.Scope.WORKLOAD_SELECTOR, Policy.Action.DENY, List.of(new Rule(clauses)), false);
    }
}
