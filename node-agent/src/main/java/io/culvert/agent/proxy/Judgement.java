package io.culvert.agent.proxy;

import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.policy.Authorizer;
import io.culvert.protocol.policy.Decision;
import io.culvert.protocol.policy.PeerFacts;
import io.culvert.protocol.workload.Workload;

/** Judges an inbound connection by the policies of one snapshot. */
final class Judgement {
    private Judgement() {}

    static Decision of(MeshSnapshot snapshot, Workload self, PeerIdentity peer, IpAddress source, IpPort destination) {
        return Authorizer.decide(
                snapshot.policiesFor(self), new PeerFacts(peer, source, destination.ip(), destination.port()));
    }
}
