package io.culvert.control.local;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.control.file.MeshFileError;
import io.culvert.protocol.identity.TrustDomain;
import io.culvert.protocol.net.Cidr;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.policy.Clause;
import io.culvert.protocol.policy.Match;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.policy.Rule;
import io.culvert.protocol.policy.StringMatch;
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
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LocalConfigParserTest {
    private static final TrustDomain TRUST_DOMAIN = new TrustDomain("td.example");
    private static final NamespacedName WEB = NamespacedName.parse("shop/web.example");
    private static final String ALL = """
            workloads:
            - uid: cluster1//v1/Pod/shop/web-1
              name: web-1
              namespace: shop
              workloadIps: ["10.0.0.1", "fd00::1"]
              waypoint: {destination: /10.0.0.9, hboneMtlsPort: 15008}
              networkGateway: {destination: istio-system/gateway.example, hboneMtlsPort: 15009}
              protocol: HBONE
              networkMode: HostNetwork
              trustDomain: other.example
              serviceAccount: web
              network: n1
              workloadName: web
              workloadType: cronjob
              canonicalName: web
              canonicalRevision: v2
              hostname: web-1.example
              node: local
              nativeTunnel: true
              applicationTunnel: {protocol: PROXY, port: null}
              authorizationPolicies: [shop/deny-9999, plain]
              status: Unhealthy
              clusterId: cluster1
              locality: {region: eu, zone: eu-1, subzone: r7}
              services:
                shop/web.example:
                  80: 8080
                  "443": 0
              capacity: 3
            - name: plain
              workloadIps: [127.0.0.2]
            services:
            - name: web
              namespace: shop
              hostname: web.example
              vips: [/10.96.0.1, "n1/fd00::96"]
              cidrVips: [{network: n1, cidr: 10.97.0.0/16}]
              ports: {80: 8080}
              endpoints:
                local//Pod/default/plain: {workloadUid: local//Pod/default/plain, port: {80: 81}, status: Healthy}
              unusedEndpoints:
                cluster1//v1/Pod/shop/web-1: {port: {80: 82}}
              subjectAltNames: [spiffe://td/ns/a/sa/b]
              waypoint: {destination: shop/waypoint.example}
              weightedWaypoints: [{destination: {destination: /10.0.0.8, hboneMtlsPort: 1}, weight: 10}]
              loadBalancer: {routingPreferences: [Region, Cluster], mode: Strict, healthPolicy: AllowAll}
              ipFamilies: Dual
              canonical: true
              visibility: Namespace
            policies:
            - name: deny-9999
              namespace: shop
              scope: WorkloadSelector
              action: Deny
              dryRun: true
              rules:
              - - - destinationPorts: [9999]
                    notDestinationPorts: [1]
                    namespaces: [{Exact: a}]
                    notNamespaces: [{Prefix: b}]
                    principals: [{Suffix: c}]
                    notPrincipals: [{Presence: []}]
                    sourceIps: [10.0.0.0/8]
                    notSourceIps: [10.1.0.0/16]
                    destinationIps: [fd00::/8]
                    notDestinationIps: [fd01::1/128]
                    serviceAccounts: [{namespace: shop, serviceAccount: web}]
                    notServiceAccounts: [{namespace: shop, serviceAccount: x}]
            """;

    private static LocalConfigParser.Result parse(String text) {
        return LocalConfigParser.parse("LOCAL_XDS", text.getBytes(StandardCharsets.UTF_8), TRUST_DOMAIN);
    }

    private static LocalConfig accepted(String text) {
        return assertInstanceOf(
                        LocalConfigParser.Result.Accepted.class,
                        parse(text),
                        () -> parse(text).toString())
                .config();
    }

    private static List<String> refused(String text) {
        return assertInstanceOf(LocalConfigParser.Result.Refused.class, parse(text)).errors().stream()
                .map(MeshFileError::toString)
                .toList();
    }

    @Test
    void readsEveryFieldOfAWorkload() {
        Workload expected = new Workload(
                new WorkloadUid("cluster1//v1/Pod/shop/web-1"),
                "web-1",
                "shop",
                List.of(IpAddress.parse("10.0.0.1"), IpAddress.parse("fd00::1")),
                "web-1.example",
                "n1",
                Workload.TunnelProtocol.HBONE,
                new TrustDomain("other.example"),
                "web",
                new GatewayAddress.ByAddress(new NetworkAddress("", IpAddress.parse("10.0.0.9")), 15_008),
                new GatewayAddress.ByHostname(NamespacedName.parse("istio-system/gateway.example"), 15_009),
                "local",
                "web",
                "v2",
                Workload.WorkloadType.CRONJOB,
                "web",
                true,
                new ApplicationTunnel(ApplicationTunnel.Protocol.PROXY, 0),
                Map.of(WEB, PortMap.of(80, 8_080, 443, 0)),
                List.of(NamespacedName.parse("shop/deny-9999"), NamespacedName.ofPolicy("plain")),
                Workload.Health.UNHEALTHY,
                "cluster1",
                new Locality("eu", "eu-1", "r7"),
                Workload.NetworkMode.HOST_NETWORK,
                3);
        assertEquals(expected, accepted(ALL).workloads().getFirst());
    }

    @Test
    void leavesTheRestAsDumpsLeaveItOut() {
        Workload plain = accepted(ALL).workloads().getLast();
        assertEquals("local//Pod/default/plain", plain.uid().value());
        assertEquals(TRUST_DOMAIN, plain.trustDomain());
        assertEquals(
                "spiffe://td.example/ns/default/sa/default", plain.identity().uri());
        assertEquals(Workload.TunnelProtocol.NONE, plain.tunnelProtocol());
        assertEquals(Map.of(WEB, PortMap.of(80, 81)), plain.services());
        assertEquals(1, plain.capacity());
    }

    @Test
    void readsEveryFieldOfAService() {
        Service expected = new Service(
                "web",
                "shop",
                "web.example",
                List.of(
                        new NetworkAddress("", IpAddress.parse("10.96.0.1")),
                        new NetworkAddress("n1", IpAddress.parse("fd00::96"))),
                List.of(new Service.NetworkCidr("n1", Cidr.parse("10.97.0.0/16"))),
                PortMap.of(80, 8_080),
                List.of("spiffe://td/ns/a/sa/b"),
                new GatewayAddress.ByHostname(NamespacedName.parse("shop/waypoint.example"), 15_008),
                List.of(new Service.WeightedWaypoint(
                        new GatewayAddress.ByAddress(new NetworkAddress("", IpAddress.parse("10.0.0.8")), 1), 10)),
                new LoadBalancing(
                        List.of(LoadBalancing.Scope.REGION, LoadBalancing.Scope.CLUSTER),
                        LoadBalancing.Mode.STRICT,
                        LoadBalancing.HealthPolicy.ALLOW_ALL),
                Service.IpFamilies.DUAL,
                true,
                Service.Visibility.NAMESPACE);
        assertEquals(List.of(expected), accepted(ALL).services());
    }

    @Test
    void readsEveryFieldOfAPolicy() {
        Match match = new Match(
                List.of(new StringMatch.Exact("a")),
                List.of(new StringMatch.Prefix("b")),
                List.of(new Match.ServiceAccountMatch("shop", "web")),
                List.of(new Match.ServiceAccountMatch("shop", "x")),
                List.of(new StringMatch.Suffix("c")),
                List.of(new StringMatch.Presence()),
                List.of(Cidr.parse("10.0.0.0/8")),
                List.of(Cidr.parse("10.1.0.0/16")),
                List.of(Cidr.parse("fd00::/8")),
                List.of(Cidr.parse("fd01::1/128")),
                List.of(9_999),
                List.of(1));
        Policy expected = new Policy(
                NamespacedName.parse("shop/deny-9999"),
                Policy.Scope.WORKLOAD_SELECTOR,
                Policy.Action.DENY,
                List.of(new Rule(List.of(new Clause(List.of(match))))),
                true);
        assertEquals(List.of(expected), accepted(ALL).policies());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'workloads: [{name: a, workloadIp: 10.0.0.1}]' | 'LOCAL_XDS:1:23: workloads[0].workloadIp: unknown key'",
                "'workloads: [{name: a, protocol: QUIC}]' | 'LOCAL_XDS:1:33: workloads[0].protocol: '",
                "'workloads: [{name: a}, {name: a}]' | 'LOCAL_XDS:1:24: workloads[1]: the uid local//Pod/default/a is taken by the entry on line 1'",
                "'workloads: [{workloadIps: [1.2.3.4]}]' | 'LOCAL_XDS:1:13: workloads[0]: has no ''name'''",
                "'workloads: [{name: a, services: {web: {80: 80}}}]' | 'LOCAL_XDS:1:39: workloads[0].services.web: its key is no service'",
                "'workloads: [{name: a, services: {a/web: {http: 80}}}]' | 'LOCAL_XDS:1:48: workloads[0].services.a/web.http: its key is no port'",
                "'services: [{name: a}]' | 'LOCAL_XDS:1:12: services[0]: has no ''hostname'''",
                "'services: [{name: a, hostname: a.b, vips: [10.0.0.1]}]' | 'LOCAL_XDS:1:44: services[0].vips[0]: '",
                "'services: [{name: a, hostname: a.b, endpoints: {u: {}}}]' | 'LOCAL_XDS:1:52: services[0].endpoints.u: no workload has this uid'",
                "'policies: [{name: a, namespace: b, scope: Global, action: Allow, rules: [[[{namespaces: []}]]]}]' | 'LOCAL_XDS:1:89: policies[0].rules[0][0][0].namespaces: is an empty list'",
                "'policies: [{name: a, namespace: b, scope: Global, action: ALLOW, rules: []}]' | 'LOCAL_XDS:1:59: policies[0].action: '",
                "'policies: [{name: a, namespace: b, scope: Global, rules: []}]' | 'LOCAL_XDS:1:12: policies[0]: has no ''action'''",
                "'localPods: []' | 'LOCAL_XDS:1:1: localPods: unknown key'",
                "'{' | 'LOCAL_XDS:1:2: not YAML'",
                "'workloads: [{name: \"\\U99999999\"}]' | 'LOCAL_XDS:1:12: not YAML: '",
                "'' | 'LOCAL_XDS: it is empty'"
            })
    void tellsWhereAndWhatIsWrong(String text, String beginning) {
        String first = refused(text == null ? "" : text).getFirst();
        assertTrue(first.startsWith(beginning), first);
    }

    @Test
    void tellsAllMistakesAtOnce() {
        assertEquals(
                2,
                refused("workloads: [{name: a, x: 1}]\nservices: [{name: b}]\n").size());
    }
}
