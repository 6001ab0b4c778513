package io.culvert.agent.proxy;

import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.route.InboundRoute;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.ConnectionFacts;
import io.culvert.agent.telemetry.Direction;
import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.policy.Authorizer;
import io.culvert.protocol.policy.Decision;
import io.culvert.protocol.policy.PeerFacts;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.workload.Workload;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One connection to the pod's application: opened if policy allows, and judged again whenever policy may have changed.
 *
 * <p>Runs on: its loop.
 */
abstract class InboundConnection extends PodConnection {
    private static final int UNAUTHORIZED = 401;

    private InboundRoute.@Nullable Deliver route;
    /** The pod's record, as it was known last. */
    private @Nullable Workload self;
    /** The policies that let it in, or have judged it last. */
    private List<Policy> judgedBy = List.of();

    InboundConnection(PodLoop podLoop) {
        super(podLoop, Direction.INBOUND);
    }

    abstract PeerIdentity peerIdentity();

    abstract InboundRoute route(MeshSnapshot snapshot, Workload self);

    abstract ConnectionFacts facts(MeshSnapshot snapshot, Workload self, InboundRoute.Deliver deliver);

    /** Where it is delivered to; null while that is not decided. */
    final InboundRoute.@Nullable Deliver route() {
        return route;
    }

    final @Nullable SpiffeId peerId() {
        return peerIdentity() instanceof PeerIdentity.Verified verified ? verified.id() : null;
    }

    /** The pod's record, as it was known last; null before it was known at all. */
    final @Nullable Workload self() {
        return self;
    }

    /** Whom the source's address belongs to. */
    final @Nullable Workload peerWorkload(MeshSnapshot snapshot) {
        return snapshot.workloadByAddress(pod().world().config().node().network(), source().ip());
    }

    @Override
    final void decide(MeshSnapshot snapshot, Workload known) {
        self = known;
        switch (route(snapshot, known)) {
            case InboundRoute.Deliver deliver -> decide(snapshot, known, deliver);
            case InboundRoute.Refused refused -> {
                Refusals.count(metrics(), refused.reason());
                refuse(refused.status(), Refusals.closeReason(refused.reason()), refused.detail());
            }
        }
    }

    private void decide(MeshSnapshot snapshot, Workload known, InboundRoute.Deliver deliver) {
        route = deliver;
        recordOpen(facts(snapshot, known, deliver));
        judgedBy = snapshot.policiesFor(known);
        PeerFacts facts = peerFacts(deliver);
        Decision decision = Authorizer.decide(judgedBy, facts);
        pod().world().telemetry().decided(decision, source(), peerId(), deliver.judged());
        reportDryRuns(judgedBy, facts, deliver);
        if (decision instanceof Decision.Deny deny) {
            refuse(UNAUTHORIZED, CloseReason.POLICY_DENIED, deny.sentence());
        } else {
            open(deliver);
        }
    }

    private PeerFacts peerFacts(InboundRoute.Deliver deliver) {
        IpPort judged = deliver.judged();
        return new PeerFacts(peerIdentity(), source().ip(), judged.ip(), judged.port());
    }

    private void reportDryRuns(List<Policy> policies, PeerFacts facts, InboundRoute.Deliver deliver) {
        List<Policy> matching = Authorizer.dryRunMatches(policies, facts);
        for (int i = 0; i < policies.size(); i++) {
            Policy policy = policies.get(i);
            if (policy.dryRun()) {
                pod().world()
                        .telemetry()
                        .dryRun(policy, matching.contains(policy), source(), peerId(), deliver.judged());
            }
        }
    }

    private void open(InboundRoute.Deliver deliver) {
        boolean spoof = pod().spoofing()
                && deliver.spoofSource()
                && !source().ip().equals(deliver.target().ip());
        opening(podLoop().dialer().dial(deliver.target(), spoof ? source().ip() : null, this));
    }

    /**
     * All else that a decision follows from is fixed for a connection, so only other policies can change it. While
     * the mesh does not know the pod, as when it is about to go, those are in force that its last record leads to.
     */
    @Override
    public final void recheck(MeshSnapshot snapshot) {
        Workload current = pod().identity().in(snapshot);
        Workload known = current == null ? self : current;
        InboundRoute.Deliver deliver = route;
        if (isClosed() || known == null || deliver == null) {
            return;
        }
        self = known;
        List<Policy> policies = snapshot.policiesFor(known);
        if (policies.equals(judgedBy)) {
            return;
        }
        judgedBy = policies;
        if (Authorizer.decide(policies, peerFacts(deliver)) instanceof Decision.Deny deny) {
            close(CloseReason.POLICY_CHANGED, deny.sentence());
        }
    }
}
