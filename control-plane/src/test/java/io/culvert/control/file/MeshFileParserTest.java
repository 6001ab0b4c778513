package io.culvert.control.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.identity.TrustDomain;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.workload.ApplicationTunnel;
import io.culvert.protocol.workload.GatewayAddress;
import io.culvert.protocol.workload.LoadBalancing;
import io.culvert.protocol.workload.Locality;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.protocol.workload.NetworkAddress;
import io.culvert.protocol.workload.PortMap;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import io.culvert.protocol.workload.WorkloadUid;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MeshFileParserTest {
    private static final NamespacedName WEB = new NamespacedName("shop", "web.shop.svc.cluster.local");

    private static Workload workload(MeshFile mesh, String name) {
        return mesh.workloads().stream()
                .filter(w -> w.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private static Workload only(String entry) {
        return MeshFiles.accepted("workloads: [" + entry + "]").workloads().getFirst();
    }

    @Test
    void aWorkloadThatSaysLittleHasTheDefaults() {
        Workload w = only("{name: a, addresses: [10.0.0.1]}");
        assertEquals("Kubernetes//Pod/default/a", w.uid().value());
        assertEquals(
                "spiffe://cluster.local/ns/default/sa/default", w.identity().uri());
        assertEquals(Workload.TunnelProtocol.NONE, w.tunnelProtocol());
        assertEquals(
                List.of("", "", "a", "a", "latest"),
                List.of(w.network(), w.node(), w.workloadName(), w.canonicalName(), w.canonicalRevision()));
        assertEquals(Workload.WorkloadType.POD, w.type());
        assertEquals(Workload.Health.HEALTHY, w.status());
        assertEquals(Workload.NetworkMode.STANDARD, w.networkMode());
        assertEquals(Locality.UNKNOWN, w.locality());
        assertEquals(1, w.capacity());
        assertNull(w.waypoint());
        assertNull(w.applicationTunnel());
        assertTrue(w.services().isEmpty() && w.authorizationPolicies().isEmpty());
    }

    @Test
    void theMeshGivesDefaultsToItsWorkloads() {
        MeshFile mesh = MeshFiles.accepted("""
                mesh: {trustDomain: td, network: net, clusterId: c1, rootNamespace: root}
                workloads: [{name: a, namespace: n, addresses: [10.0.0.1]}]
                """);
        assertEquals(new MeshFile.Settings(new TrustDomain("td"), "net", "c1", "root"), mesh.settings());
        Workload w = mesh.workloads().getFirst();
        assertEquals("c1//Pod/n/a", w.uid().value());
        assertEquals("spiffe://td/ns/n/sa/default", w.identity().uri());
        assertEquals(List.of("net", "c1"), List.of(w.network(), w.clusterId()));
    }

    @Test
    void everyFieldOfAWorkloadCanBeSet() {
        MeshFile mesh = MeshFiles.accepted(MeshFiles.documented());
        Workload web = workload(mesh, "web-1");
        assertEquals(Workload.WorkloadType.DEPLOYMENT, web.type());
        assertEquals(
                List.of("web", "web", "v1", "node-b"),
                List.of(web.workloadName(), web.canonicalName(), web.canonicalRevision(), web.node()));
        assertEquals(new Locality("north", "north-1", "rack-7"), web.locality());
        assertEquals(2, web.capacity());
        Workload far = workload(mesh, "far");
        assertEquals(List.of("other", "east"), List.of(far.network(), far.clusterId()));
        assertEquals(new TrustDomain("east.local"), far.trustDomain());
        assertEquals(
                new GatewayAddress.ByHostname(new NamespacedName("infra", "gate.infra.svc.cluster.local"), 15_008),
                far.networkGateway());
        assertEquals(
                new ApplicationTunnel(ApplicationTunnel.Protocol.PROXY, 15_088),
                workload(mesh, "gate").applicationTunnel());
        assertEquals("db.example.com", workload(mesh, "database").hostname());
        Workload odd = only("{name: a, addresses: [10.0.0.1], networkMode: HOST_NETWORK, status: UNHEALTHY,"
                + " nativeTunnel: true, capacity: 0}");
        assertEquals(Workload.NetworkMode.HOST_NETWORK, odd.networkMode());
        assertEquals(Workload.Health.UNHEALTHY, odd.status());
        assertTrue(odd.nativeTunnel());
        assertEquals(0, odd.capacity());
    }

    @Test
    void aPodWithANetnsIsCapturedAndReachedByHbone() {
        MeshFile mesh = MeshFiles.accepted(MeshFiles.documented());
        assertEquals(Workload.TunnelProtocol.HBONE, workload(mesh, "client").tunnelProtocol());
        WorkloadUid client = new WorkloadUid("Kubernetes//Pod/shop/client");
        assertEquals(
                new LocalPod(client.value(), client, "node-a", Path.of("/run/netns/client")),
                mesh.localPods().getFirst());
        assertEquals(
                "5a3c0e4e-0000-4000-8000-000000000002", mesh.localPods().get(2).uid());
    }

    @Test
    void addressesAreOfBothFamilies() {
        Workload w = workload(MeshFiles.accepted(MeshFiles.documented()), "client");
        assertEquals(List.of(IpAddress.parse("10.9.0.2"), IpAddress.parse("fd00::2")), w.addresses());
    }

    @Test
    void everyFieldOfAServiceCanBeSet() {
        MeshFile mesh = MeshFiles.accepted(MeshFiles.documented());
        Service web = mesh.services().getFirst();
        assertEquals(WEB, web.key());
        assertEquals(
                List.of(
                        new NetworkAddress("", IpAddress.parse("10.96.0.10")),
                        new NetworkAddress("other", IpAddress.parse("10.96.0.10"))),
                web.vips());
        assertEquals("10.97.0.0/24", web.cidrVips().getFirst().cidr().toString());
        assertEquals(PortMap.of(80, 8080, 443, 0), web.ports());
        assertEquals(List.of("spiffe://cluster.local/ns/shop/sa/web"), web.subjectAltNames());
        assertEquals(
                new LoadBalancing(
                        List.of(LoadBalancing.Scope.NETWORK, LoadBalancing.Scope.REGION),
                        LoadBalancing.Mode.FAILOVER,
                        LoadBalancing.HealthPolicy.ONLY_HEALTHY),
                web.loadBalancing());
        Service gate = mesh.services().get(1);
        assertEquals("gate.infra.svc.cluster.local", gate.hostname());
        assertEquals(PortMap.of(15_008, 15_008), gate.ports());
        assertEquals(90, gate.weightedWaypoints().getFirst().weight());
        Service odd = MeshFiles.accepted(
                        "services: [{name: s, ipFamilies: IPV6_ONLY, canonical: false, visibility: NAMESPACE}]")
                .services()
                .getFirst();
        assertEquals(Service.IpFamilies.IPV6_ONLY, odd.ipFamilies());
        assertFalse(odd.canonical());
        assertEquals(Service.Visibility.NAMESPACE, odd.visibility());
        assertNull(odd.loadBalancing());
    }

    @Test
    void endpointsAreSelectedAndListed_andMayHavePortsOfTheirOwn() {
        MeshFile mesh = MeshFiles.accepted(MeshFiles.documented());
        assertEquals(
                Map.of(WEB, PortMap.of(80, 8080, 443, 0)),
                workload(mesh, "web-1").services());
        assertEquals(
                Map.of(WEB, PortMap.of(80, 8081, 443, 8443)),
                workload(mesh, "web-2").services());
        assertEquals(
                Map.of(WEB, PortMap.of(80, 8080, 443, 0)),
                workload(mesh, "legacy").services());
        assertTrue(workload(mesh, "client").services().isEmpty());
    }

    @Test
    void selectorsStayInTheirNamespace_andWantEveryLabel() {
        MeshFile mesh = MeshFiles.accepted("""
                workloads:
                - {name: a, namespace: one, addresses: [10.0.0.1], labels: {app: x, v: "1"}}
                - {name: b, namespace: one, addresses: [10.0.0.2], labels: {app: x}}
                - {name: c, namespace: two, addresses: [10.0.0.3], labels: {app: x, v: "1"}}
                services:
                - {name: s, namespace: one, selector: {app: x, v: 1}}
                """);
        assertEquals(1, workload(mesh, "a").services().size());
        assertEquals(0, workload(mesh, "b").services().size());
        assertEquals(0, workload(mesh, "c").services().size());
    }

    @Test
    void referencesAreUidsOrNamesWithAndWithoutNamespace() {
        MeshFile mesh = MeshFiles.accepted("""
                workloads:
                - {name: a, namespace: one, addresses: [10.0.0.1]}
                - {name: a, namespace: two, addresses: [10.0.0.2]}
                - {name: a, namespace: two, uid: second, addresses: [10.0.0.3]}
                services:
                - {name: s, namespace: one, endpoints: [a, second, Kubernetes//Pod/two/a]}
                - {name: t, namespace: two, endpoints: [one/a]}
                """);
        assertEquals(
                List.of(2, 1, 1),
                mesh.workloads().stream().map(w -> w.services().size()).toList());
    }

    @Test
    void theSameAddressMayBeInTwoNetworks_andOnHostNetworkPods() {
        assertEquals(4, MeshFiles.accepted("""
                workloads:
                - {name: a, addresses: [10.0.0.1]}
                - {name: b, addresses: [10.0.0.1], network: other}
                - {name: c, addresses: [10.0.0.1], networkMode: HOST_NETWORK}
                - {name: d, addresses: [10.0.0.1], networkMode: HOST_NETWORK}
                """).workloads().size());
    }

    @Test
    void anEmptyMeshHasToBeMeant() {
        assertEquals(0, MeshFiles.accepted("workloads: []").workloads().size());
        for (String nothing : List.of("", "# nothing\n", "---\n", "{}", "[]", "null", "just text")) {
            assertFalse(MeshFiles.refused(nothing).isEmpty(), nothing);
        }
    }

    @Test
    void aFileOfTwentyThousandWorkloadsIsRead() {
        StringBuilder yaml = new StringBuilder("workloads:\n");
        for (int i = 0; i < 20_000; i++) {
            yaml.append("- {name: w")
                    .append(i)
                    .append(", addresses: [10.")
                    .append(i >> 16)
                    .append('.');
            yaml.append(i >> 8 & 255).append('.').append(i & 255).append("]}\n");
        }
        assertEquals(20_000, MeshFiles.accepted(yaml.toString()).workloads().size());
    }
}
