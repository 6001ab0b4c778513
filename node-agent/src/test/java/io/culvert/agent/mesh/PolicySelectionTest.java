package io.culvert.agent.mesh;

import static io.culvert.agent.mesh.Records.key;
import static io.culvert.agent.mesh.Records.pod;
import static io.culvert.agent.mesh.Records.policy;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.policy.Authorizer;
import io.culvert.protocol.policy.Decision;
import io.culvert.protocol.policy.PeerFacts;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.policy.Policy.Action;
import io.culvert.protocol.policy.Policy.Scope;
import io.culvert.protocol.workload.Workload;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which policies a snapshot lets judge a workload. */
class PolicySelectionTest {
    private static final PeerFacts FACTS = new PeerFacts(
            new PeerIdentity.Verified(SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/web")),
            IpAddress.parse("10.0.0.1"),
            IpAddress.parse("10.0.0.2"),
            8080);

    @Test
    void judgesByGlobalNamespaceAndSelectedPolicies() {
        Policy global = policy("root/global", Scope.GLOBAL, Action.ALLOW);
        Policy ours = policy("shop/ours", Scope.NAMESPACE, Action.ALLOW);
        Policy theirs = policy("bank/theirs", Scope.NAMESPACE, Action.ALLOW);
        Policy selected = policy("shop/selected", Scope.WORKLOAD_SELECTOR, Action.DENY);
        Policy unselected = policy("shop/unselected", Scope.WORKLOAD_SELECTOR, Action.DENY);
        Workload plain = pod("plain").build();
        Workload chosen = pod("chosen").policies("shop/selected").build();
        Workload remote = pod("remote").policies("shop/selected").node("node-b").build();
        MeshSnapshot mesh = MeshSnapshot.empty("node-a").toBuilder()
                .workloads(List.of(plain, chosen, remote))
                .policies(List.of(global, ours, theirs, selected, unselected))
                .build();

        assertEquals(List.of(global, ours), mesh.policiesFor(plain));
        assertEquals(List.of(global, ours, selected), mesh.policiesFor(chosen));
        assertEquals(List.of(global, ours, selected), mesh.policiesFor(remote));
        assertEquals(
                List.of(global), mesh.policiesFor(pod("x").namespace("park").build()));
        assertEquals(
                List.of(global, theirs),
                mesh.policiesFor(pod("x").namespace("bank").build()));
        assertSame(mesh.policiesFor(chosen), mesh.policiesFor(chosen));
        assertSame(mesh.policiesFor(plain), mesh.policiesFor(pod("other").build()));
    }

    @Test
    void deniesEverything_untilItIsKnownWhichPoliciesThereAre() {
        Workload workload = pod("a").build();
        MeshSnapshot partial = MeshSnapshot.EMPTY.toBuilder()
                .upsert(workload)
                .upsert(policy("shop/allow", Scope.NAMESPACE, Action.ALLOW))
                .build();

        assertFalse(partial.policiesComplete());
        assertInstanceOf(Decision.Deny.class, Authorizer.decide(partial.policiesFor(workload), FACTS));
        assertInstanceOf(
                Decision.Deny.class,
                Authorizer.decide(
                        MeshSnapshot.EMPTY.policiesFor(
                                pod("b").policies("shop/missing").build()),
                        FACTS));
        MeshSnapshot complete = partial.toBuilder()
                .removePolicy(key("shop/allow"))
                .policiesComplete()
                .build();
        assertTrue(complete.policiesComplete());
        assertInstanceOf(Decision.Allow.class, Authorizer.decide(complete.policiesFor(workload), FACTS));
    }

    @Test
    void reportsSelectedPoliciesThatNobodySent_onceTheyWouldBeKnown() {
        Workload workload = pod("a").policies("shop/missing").build();
        MeshSnapshot waiting = MeshSnapshot.EMPTY.toBuilder().upsert(workload).build();
        MeshSnapshot complete = waiting.toBuilder().policiesComplete().build();
        MeshSnapshot arrived = complete.toBuilder()
                .upsert(policy("shop/missing", Scope.WORKLOAD_SELECTOR, Action.ALLOW))
                .build();

        assertEquals(List.of(), waiting.problems());
        assertEquals(List.of(), complete.policiesFor(workload));
        assertEquals(
                List.of("shop/missing"),
                complete.problems().stream().map(MeshProblem::subject).toList());
        assertEquals(
                MeshProblem.Kind.UNKNOWN_POLICY, complete.problems().getFirst().kind());
        assertEquals(List.of(), arrived.problems());
        assertEquals(1, arrived.policiesFor(workload).size());
        assertEquals(
                List.of(), complete.toBuilder().remove(workload.uid()).build().problems());
    }

    @Test
    void followsPoliciesThatChangeOrGo() {
        Policy allow = policy("shop/p", Scope.WORKLOAD_SELECTOR, Action.ALLOW);
        Policy deny = policy("shop/p", Scope.WORKLOAD_SELECTOR, Action.DENY);
        Workload workload = pod("a").policies("shop/p").build();
        MeshSnapshot first = MeshSnapshot.EMPTY.toBuilder()
                .upsert(workload)
                .policies(List.of(allow))
                .build();
        MeshSnapshot second = first.toBuilder().upsert(deny).build();
        MeshSnapshot third = second.toBuilder().removePolicy(deny.key()).build();

        assertEquals(List.of(allow), first.policiesFor(workload));
        assertEquals(List.of(deny), second.policiesFor(workload));
        assertEquals(deny, second.policy(key("shop/p")));
        assertEquals(List.of(), third.policiesFor(workload));
    }

    @Test
    void judgesAWorkloadByThePoliciesItsRecordNames_notByThoseOfAnOlderRecord() {
        Policy one = policy("shop/one", Scope.WORKLOAD_SELECTOR, Action.ALLOW);
        Policy two = policy("shop/two", Scope.WORKLOAD_SELECTOR, Action.ALLOW);
        Workload before = pod("a").policies("shop/one").build();
        Workload after = pod("a").policies("shop/one", "shop/two").build();
        MeshSnapshot mesh = MeshSnapshot.EMPTY.toBuilder()
                .upsert(after)
                .policies(List.of(one, two))
                .build();

        assertEquals(List.of(one, two), mesh.policiesFor(after));
        assertEquals(List.of(one), mesh.policiesFor(before));
    }
}
