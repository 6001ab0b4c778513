package io.culvert.control.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.policy.Authorizer;
import io.culvert.protocol.policy.Decision;
import io.culvert.protocol.policy.PeerFacts;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.protocol.workload.Workload;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Policies and peer authentication of a file, judged by what the authorizer then decides. */
class MeshPolicyTest {
    private static final String CLIENT = "spiffe://cluster.local/ns/shop/sa/client";
    private static final String WORKLOADS = """
            workloads:
            - {name: web, namespace: shop, addresses: [10.9.0.3], labels: {app: web}}
            - {name: db, namespace: shop, addresses: [10.9.0.4], labels: {app: db}}
            - {name: web, namespace: other, addresses: [10.9.0.5], labels: {app: web}}
            """;

    private static PeerFacts facts(String peer, String source, int port) {
        PeerIdentity identity =
                peer.isEmpty() ? PeerIdentity.PLAINTEXT : new PeerIdentity.Verified(SpiffeId.parse(peer));
        return new PeerFacts(identity, IpAddress.parse(source), IpAddress.parse("10.9.0.3"), port);
    }

    /** Whether a rule, as the only one of an ALLOW policy, allows. */
    private static boolean matches(String rule, PeerFacts facts) {
        MeshFile mesh = MeshFiles.accepted("policies: [{name: p, namespace: shop, rules: [" + rule + "]}]");
        return Authorizer.matches(mesh.policies().getFirst(), facts);
    }

    private static boolean fromMatches(String source, String peer) {
        return matches("{from: [{source: {" + source + "}}]}", facts(peer, "10.9.0.2", 8080));
    }

    /** Whether a workload of a mesh admits a peer. */
    private static boolean admits(MeshFile mesh, String namespace, String name, PeerFacts facts) {
        Workload workload = mesh.workloads().stream()
                .filter(w -> w.namespace().equals(namespace) && w.name().equals(name))
                .findFirst()
                .orElseThrow();
        List<Policy> candidates = mesh.policies().stream()
                .filter(p -> switch (p.scope()) {
                    case GLOBAL -> true;
                    case NAMESPACE -> p.key().namespace().equals(namespace);
                    case WORKLOAD_SELECTOR -> workload.authorizationPolicies().contains(p.key());
                })
                .toList();
        return Authorizer.decide(candidates, facts) instanceof Decision.Allow;
    }

    @Test
    void principalsAreWholeOrOpenAtOneEnd() {
        assertTrue(fromMatches("principals: [cluster.local/ns/shop/sa/client]", CLIENT));
        assertFalse(fromMatches("principals: [cluster.local/ns/shop/sa/clien]", CLIENT));
        assertTrue(fromMatches("principals: ['cluster.local/ns/shop/*']", CLIENT));
        assertTrue(fromMatches("principals: ['*/sa/client']", CLIENT));
        assertTrue(fromMatches("principals: ['*']", CLIENT));
        assertFalse(fromMatches("principals: ['*']", ""));
        assertTrue(fromMatches("notPrincipals: ['*']", ""));
        assertFalse(fromMatches("notPrincipals: ['*']", CLIENT));
    }

    @Test
    void namespacesAndServiceAccountsAreThoseOfThePeer() {
        assertTrue(fromMatches("namespaces: [shop]", CLIENT));
        assertFalse(fromMatches("namespaces: [sho]", CLIENT));
        assertTrue(fromMatches("namespaces: ['sh*']", CLIENT));
        assertFalse(fromMatches("notNamespaces: [shop]", CLIENT));
        assertTrue(fromMatches("serviceAccounts: [client]", CLIENT));
        assertTrue(fromMatches("serviceAccounts: [shop/client]", CLIENT));
        assertFalse(fromMatches("serviceAccounts: [other/client]", CLIENT));
        assertFalse(fromMatches("notServiceAccounts: [client]", CLIENT));
        assertTrue(fromMatches("notServiceAccounts: [client]", ""));
    }

    @Test
    void addressesAndPortsAreThoseOfTheConnection() {
        PeerFacts facts = facts(CLIENT, "10.9.0.2", 8080);
        assertTrue(matches("{from: [{source: {ipBlocks: [10.9.0.0/16]}}]}", facts));
        assertFalse(matches("{from: [{source: {notIpBlocks: [10.9.0.2]}}]}", facts));
        assertTrue(matches("{to: [{operation: {ports: ['8080', 1]}}]}", facts));
        assertFalse(matches("{to: [{operation: {notPorts: [8080]}}]}", facts));
        assertTrue(matches("{when: [{key: destination.ip, values: [10.9.0.3]}]}", facts));
        assertFalse(matches("{when: [{key: destination.port, notValues: [8080]}]}", facts));
        assertTrue(matches("{when: [{key: source.ip, values: [10.9.0.2]}]}", facts));
        assertTrue(matches("{when: [{key: source.principal, values: ['*/sa/client']}]}", facts));
        assertFalse(matches("{when: [{key: source.namespace, values: [other]}]}", facts));
        assertTrue(matches("{when: [{key: source.serviceAccount, values: [client]}]}", facts));
    }

    @Test
    void entriesAreAlternatives_partsOfARuleAreNot() {
        PeerFacts facts = facts(CLIENT, "10.9.0.2", 8080);
        String from = "from: [{source: {namespaces: [other]}}, {source: {namespaces: [shop]}}]";
        assertTrue(matches("{" + from + "}", facts));
        assertTrue(matches("{" + from + ", to: [{operation: {ports: [8080]}}]}", facts));
        assertFalse(matches("{" + from + ", to: [{operation: {ports: [80]}}]}", facts));
        assertFalse(matches("{from: [{source: {namespaces: [shop], ipBlocks: [10.8.0.0/16]}}]}", facts));
        assertFalse(matches(
                "{when: [{key: source.ip, values: [10.9.0.2]}, {key: destination.port, values: [80]}]}", facts));
        assertTrue(matches("{}", facts("", "10.9.0.2", 1)));
    }

    @Test
    void aPolicyIsForTheMeshANamespaceOrCertainWorkloads() {
        MeshFile mesh = MeshFiles.accepted(WORKLOADS + """
                policies:
                - {name: everywhere, namespace: istio-system, action: DENY, rules: [{to: [{operation: {ports: [1]}}]}]}
                - {name: here, namespace: shop, action: DENY, rules: [{to: [{operation: {ports: [2]}}]}]}
                - {name: some, namespace: shop, action: DENY, selector: {matchLabels: {app: web}},
                   rules: [{to: [{operation: {ports: [3]}}]}]}
                - {name: named, namespace: shop, action: DENY, workloads: [db], rules: [{to: [{operation: {ports: [4]}}]}]}
                - {name: anywhere, namespace: istio-system, action: DENY, selector: {matchLabels: {app: web}},
                   rules: [{to: [{operation: {ports: [5]}}]}]}
                """);
        assertEquals("1 denied, 2 denied, 3 denied, 5 denied", denied(mesh, "shop", "web"));
        assertEquals("1 denied, 2 denied, 4 denied", denied(mesh, "shop", "db"));
        assertEquals("1 denied, 5 denied", denied(mesh, "other", "web"));
    }

    private static String denied(MeshFile mesh, String namespace, String name) {
        StringBuilder denied = new StringBuilder();
        for (int port = 1; port <= 6; port++) {
            if (!admits(mesh, namespace, name, facts(CLIENT, "10.9.0.2", port))) {
                denied.append(denied.isEmpty() ? "" : ", ").append(port).append(" denied");
            }
        }
        return denied.toString();
    }

    @Test
    void anAllowPolicyWithoutRulesAllowsNothing_andDryRunDecidesNothing() {
        PeerFacts facts = facts(CLIENT, "10.9.0.2", 80);
        assertFalse(
                admits(MeshFiles.accepted(WORKLOADS + "policies: [{name: p, namespace: shop}]"), "shop", "db", facts));
        assertTrue(admits(
                MeshFiles.accepted(WORKLOADS + "policies: [{name: p, namespace: shop, dryRun: true}]"),
                "shop",
                "db",
                facts));
    }

    private static MeshFile strict(String peerAuthentication) {
        return MeshFiles.accepted(WORKLOADS + "peerAuthentication:\n" + peerAuthentication);
    }

    private static boolean admitsPlaintext(MeshFile mesh, String namespace, String name, int port) {
        assertTrue(admits(mesh, namespace, name, facts(CLIENT, "10.9.0.2", port)), "a proven identity is enough");
        return admits(mesh, namespace, name, facts("", "10.9.0.2", port));
    }

    @Test
    void strictForTheMeshDeniesPlaintextEverywhere_exceptWhereItIsLifted() {
        MeshFile mesh = strict("""
                - {name: default, namespace: istio-system, mtls: {mode: STRICT}}
                - {name: default, namespace: other, mtls: {mode: PERMISSIVE}}
                - {name: db, namespace: shop, workloads: [db], mtls: {mode: PERMISSIVE}}
                """);
        assertFalse(admitsPlaintext(mesh, "shop", "web", 80));
        assertTrue(admitsPlaintext(mesh, "other", "web", 80));
        assertTrue(admitsPlaintext(mesh, "shop", "db", 80));
        assertEquals(
                List.of(new NamespacedName("istio-system", "istio_converted_static_strict")),
                mesh.policies().stream().map(Policy::key).toList());
    }

    @Test
    void unsetInherits() {
        MeshFile mesh = strict("""
                - {name: default, namespace: istio-system, mtls: {mode: STRICT}}
                - {name: default, namespace: shop}
                - {name: web, namespace: shop, selector: {matchLabels: {app: web}}, mtls: {mode: UNSET}}
                """);
        assertFalse(admitsPlaintext(mesh, "shop", "web", 80));
        assertFalse(admitsPlaintext(mesh, "shop", "db", 80));
    }

    @Test
    void withoutPeerAuthenticationPlaintextIsAdmitted_andNoPolicyIsMade() {
        MeshFile mesh = MeshFiles.accepted(WORKLOADS);
        assertTrue(admitsPlaintext(mesh, "shop", "web", 80));
        assertTrue(mesh.policies().isEmpty());
    }

    @Test
    void portsAreExceptionsBothWays() {
        MeshFile mesh = strict("""
                - {name: web, namespace: shop, selector: {matchLabels: {app: web}}, mtls: {mode: STRICT},
                   portLevelMtls: {9090: {mode: PERMISSIVE}, 9091: {mode: STRICT}}}
                - {name: db, namespace: shop, workloads: [db], portLevelMtls: {5432: {mode: STRICT}}}
                """);
        assertFalse(admitsPlaintext(mesh, "shop", "web", 80));
        assertTrue(admitsPlaintext(mesh, "shop", "web", 9090));
        assertFalse(admitsPlaintext(mesh, "shop", "web", 9091));
        assertTrue(admitsPlaintext(mesh, "shop", "db", 80));
        assertFalse(admitsPlaintext(mesh, "shop", "db", 5432));
        assertEquals(
                List.of("converted_peer_authentication_web", "converted_peer_authentication_db"),
                mesh.policies().stream().map(p -> p.key().name()).toList());
    }

    @Test
    void anInheritedModeMayDifferByNamespace() {
        MeshFile mesh = strict("""
                - {name: default, namespace: shop, mtls: {mode: STRICT}}
                - {name: all-web, namespace: istio-system, selector: {matchLabels: {app: web}},
                   portLevelMtls: {1: {mode: PERMISSIVE}, 2: {mode: STRICT}}}
                """);
        assertTrue(admitsPlaintext(mesh, "shop", "web", 1));
        assertFalse(admitsPlaintext(mesh, "shop", "web", 2));
        assertFalse(admitsPlaintext(mesh, "shop", "web", 3));
        assertTrue(admitsPlaintext(mesh, "other", "web", 1));
        assertFalse(admitsPlaintext(mesh, "other", "web", 2));
        assertTrue(admitsPlaintext(mesh, "other", "web", 3));
    }
}
