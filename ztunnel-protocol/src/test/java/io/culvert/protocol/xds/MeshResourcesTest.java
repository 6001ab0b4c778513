package io.culvert.protocol.xds;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import com.google.protobuf.UInt32Value;
import io.culvert.protocol.net.Cidr;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.wire.discovery.Resource;
import io.culvert.protocol.wire.security.Authorization;
import io.culvert.protocol.wire.security.Clause;
import io.culvert.protocol.wire.security.Match;
import io.culvert.protocol.wire.security.Rule;
import io.culvert.protocol.wire.security.StringMatch;
import io.culvert.protocol.wire.workload.Address;
import io.culvert.protocol.wire.workload.ApplicationTunnel;
import io.culvert.protocol.wire.workload.GatewayAddress;
import io.culvert.protocol.wire.workload.LoadBalancing;
import io.culvert.protocol.wire.workload.NetworkAddress;
import io.culvert.protocol.wire.workload.Port;
import io.culvert.protocol.wire.workload.PortList;
import io.culvert.protocol.wire.workload.Service;
import io.culvert.protocol.wire.workload.TunnelProtocol;
import io.culvert.protocol.wire.workload.WeightedWaypoint;
import io.culvert.protocol.wire.workload.Workload;
import io.culvert.protocol.workload.GatewayAddress.ByAddress;
import io.culvert.protocol.workload.LoadBalancing.Mode;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.protocol.workload.PortMap;
import io.culvert.protocol.workload.Service.Visibility;
import io.culvert.protocol.workload.Workload.WorkloadType;
import io.culvert.protocol.xds.ConversionFault.Reason;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Every leniency and every rejection. */
class MeshResourcesTest {
    private static final ByteString V4 = ByteString.copyFrom(new byte[] {10, 0, 0, 1});
    private static final ByteString MAPPED =
            ByteString.copyFrom(new byte[] {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, 10, 0, 0, 1});

    private static Resource resource(String name, String typeUrl, MessageLite body) {
        return Resource.newBuilder()
                .setName(name)
                .setResource(Any.newBuilder().setTypeUrl(typeUrl).setValue(body.toByteString()))
                .build();
    }

    private static Converted<MeshResource> workload(Consumer<Workload.Builder> change) {
        Workload.Builder workload =
                Workload.newBuilder().setUid("uid").setNamespace("ns").setName("pod");
        change.accept(workload);
        Address address = Address.newBuilder().setWorkload(workload).build();
        return MeshResources.decode(MeshResources.ADDRESS_TYPE, resource("uid", MeshResources.ADDRESS_TYPE, address));
    }

    private static Converted<MeshResource> service(Consumer<Service.Builder> change) {
        Service.Builder service =
                Service.newBuilder().setName("svc").setNamespace("ns").setHostname("svc.ns");
        change.accept(service);
        Address address = Address.newBuilder().setService(service).build();
        return MeshResources.decode(
                MeshResources.ADDRESS_TYPE, resource("ns/svc.ns", MeshResources.ADDRESS_TYPE, address));
    }

    private static Converted<MeshResource> policy(String name, Consumer<Authorization.Builder> change) {
        Authorization.Builder policy = Authorization.newBuilder().setName("p").setNamespace("ns");
        change.accept(policy);
        return MeshResources.decode(
                MeshResources.AUTHORIZATION_TYPE, resource(name, MeshResources.AUTHORIZATION_TYPE, policy.build()));
    }

    private static void rejected(Reason reason, String field, Converted<MeshResource> converted) {
        ConversionFault fault =
                assertInstanceOf(Converted.Rejected.class, converted).fault();
        assertEquals(reason + " " + field, fault.reason() + " " + fault.field());
    }

    private static Converted.Taken<MeshResource> taken(Converted<MeshResource> converted) {
        return switch (converted) {
            case Converted.Taken<MeshResource> taken -> taken;
            case Converted.Rejected<MeshResource>(var fault) -> throw new AssertionError(fault);
        };
    }

    private static io.culvert.protocol.workload.Workload takenWorkload(Converted<MeshResource> converted) {
        assertEquals(List.of(), taken(converted).warnings());
        return assertInstanceOf(MeshResource.OfWorkload.class, taken(converted).value())
                .workload();
    }

    private static io.culvert.protocol.workload.Service takenService(Converted<MeshResource> converted) {
        return assertInstanceOf(MeshResource.OfService.class, taken(converted).value())
                .service();
    }

    @Test
    void emptyFieldsOfAWorkloadHaveTheirMeaning() {
        var workload = takenWorkload(workload(w -> {}));
        assertEquals(
                "spiffe://cluster.local/ns/ns/sa/default", workload.identity().uri());
        assertEquals("Kubernetes", workload.clusterId());
        assertEquals(1, workload.capacity());
        assertEquals(WorkloadType.DEPLOYMENT, workload.type());
        assertEquals(List.of(), workload.addresses());
        assertNull(workload.waypoint());
        assertNull(workload.applicationTunnel());
    }

    @Test
    void workloadWithoutNamespaceIsTaken_withoutIdentity() {
        assertFalse(takenWorkload(workload(w -> w.clearNamespace())).hasIdentity());
    }

    @Test
    void capacityIsTakenAsItIs() {
        assertEquals(
                0,
                takenWorkload(workload(w -> w.setCapacity(UInt32Value.newBuilder())))
                        .capacity());
        assertEquals(
                Integer.MAX_VALUE,
                takenWorkload(workload(
                                w -> w.setCapacity(UInt32Value.newBuilder().setValue(-1))))
                        .capacity());
    }

    @Test
    void mappedAddressesBecomeIpv4() {
        var workload = takenWorkload(workload(w -> w.addAddresses(MAPPED).addAddresses(V4)));
        assertEquals(List.of(IpAddress.parse("10.0.0.1"), IpAddress.parse("10.0.0.1")), workload.addresses());
        assertEquals("10.0.0.1", workload.addresses().getFirst().toString());
    }

    @Test
    void unknownWorkloadTypeIsADeployment() {
        assertEquals(
                WorkloadType.DEPLOYMENT,
                takenWorkload(workload(w -> w.setWorkloadTypeValue(99))).type());
    }

    @Test
    void portsKeepTheirLower16Bits_theLastOfAServicePortWins() {
        PortList ports = PortList.newBuilder()
                .addPorts(Port.newBuilder().setServicePort(80).setTargetPort(1))
                .addPorts(Port.newBuilder().setServicePort(65_536 + 80).setTargetPort(65_536 + 2))
                .build();
        assertEquals(
                PortMap.of(80, 2),
                takenWorkload(workload(w -> w.putServices("ns/svc", ports)))
                        .services()
                        .get(new NamespacedName("ns", "svc")));
    }

    @Test
    void gatewayWithoutPortIsReachedOnTheHbonePort() {
        GatewayAddress gateway = GatewayAddress.newBuilder()
                .setAddress(NetworkAddress.newBuilder().setAddress(V4))
                .build();
        assertEquals(
                new ByAddress(new io.culvert.protocol.workload.NetworkAddress("", IpAddress.parse("10.0.0.1")), 15_008),
                takenWorkload(workload(w -> w.setWaypoint(gateway))).waypoint());
    }

    @Test
    void rejectsWorkloads() {
        rejected(Reason.MISSING, "uid", workload(w -> w.clearUid()));
        rejected(Reason.TOO_LONG, "uid", workload(w -> w.setUid("u".repeat(1_025))));
        rejected(Reason.BAD_ADDRESS, "addresses", workload(w -> w.addAddresses(ByteString.copyFrom(new byte[5]))));
        rejected(Reason.BAD_ADDRESS, "addresses", workload(w -> w.addAddresses(ByteString.EMPTY)));
        rejected(
                Reason.UNSUPPORTED,
                "tunnel_protocol",
                workload(w -> w.setTunnelProtocol(TunnelProtocol.LEGACY_ISTIO_MTLS)));
        rejected(Reason.UNKNOWN_VALUE, "tunnel_protocol", workload(w -> w.setTunnelProtocolValue(7)));
        rejected(Reason.UNKNOWN_VALUE, "status", workload(w -> w.setStatusValue(7)));
        rejected(Reason.UNKNOWN_VALUE, "network_mode", workload(w -> w.setNetworkModeValue(7)));
        rejected(
                Reason.UNKNOWN_VALUE,
                "application_tunnel.protocol",
                workload(w ->
                        w.setApplicationTunnel(ApplicationTunnel.newBuilder().setProtocolValue(7))));
        rejected(
                Reason.MISSING,
                "waypoint.destination",
                workload(w -> w.setWaypoint(GatewayAddress.getDefaultInstance())));
        rejected(
                Reason.MISSING,
                "network_gateway.destination",
                workload(w -> w.setNetworkGateway(GatewayAddress.getDefaultInstance())));
        rejected(Reason.BAD_NAME, "services", workload(w -> w.putServices("svc", PortList.getDefaultInstance())));
        rejected(Reason.MISSING, "authorization_policies", workload(w -> w.addAuthorizationPolicies("")));
        rejected(Reason.BAD_IDENTITY, "trust_domain", workload(w -> w.setTrustDomain("user@corp")));
        rejected(Reason.BAD_IDENTITY, "namespace", workload(w -> w.setNamespace("a/b")));
        rejected(Reason.BAD_IDENTITY, "service_account", workload(w -> w.setServiceAccount("a b")));
        rejected(Reason.CONTROL_CHARACTER, "node", workload(w -> w.setNode("a\nb")));
        rejected(Reason.CONTROL_CHARACTER, "hostname", workload(w -> w.setHostname("a\u0000")));
        rejected(Reason.TOO_LONG, "name", workload(w -> w.setName("n".repeat(2_049))));
        rejected(Reason.TOO_MANY, "addresses", workload(w -> {
            for (int i = 0; i <= 10_000; i++) {
                w.addAddresses(V4);
            }
        }));
    }

    @Test
    void virtualAddressesAreExactOrRanges() {
        var service = takenService(service(s -> s.addAddresses(
                        NetworkAddress.newBuilder().setAddress(V4))
                .addAddresses(NetworkAddress.newBuilder().setAddress(V4).setLength(32))
                .addAddresses(NetworkAddress.newBuilder().setAddress(MAPPED).setLength(128))
                .addAddresses(NetworkAddress.newBuilder()
                        .setNetwork("n")
                        .setAddress(V4)
                        .setLength(8))
                .addAddresses(NetworkAddress.newBuilder().setAddress(MAPPED).setLength(104))));
        assertEquals(3, service.vips().size());
        assertEquals(IpAddress.parse("10.0.0.1"), service.vips().get(2).ip());
        assertEquals(
                List.of("n/" + Cidr.parse("10.0.0.1/8"), "/" + Cidr.parse("10.0.0.1/8")),
                service.cidrVips().stream()
                        .map(range -> range.network() + "/" + range.cidr())
                        .toList());
    }

    @Test
    void subjectAltNamesThatAreNoIdsAreLeftOut() {
        var converted =
                service(s -> s.addSubjectAltNames("spiffe://td/ns/a/sa/b").addSubjectAltNames("junk"));
        assertEquals(List.of("spiffe://td/ns/a/sa/b"), takenService(converted).subjectAltNames());
        assertEquals(
                List.of(new ConversionFault("ns/svc.ns", Reason.BAD_IDENTITY, "subject_alt_names")),
                taken(converted).warnings());
    }

    @Test
    void unspecifiedModeIsStandard_unknownVisibilityIsPublic() {
        var service = takenService(service(
                s -> s.setLoadBalancing(LoadBalancing.getDefaultInstance()).setVisibilityValue(9)));
        assertEquals(io.culvert.protocol.workload.LoadBalancing.STANDARD, service.loadBalancing());
        assertEquals(Mode.STANDARD, io.culvert.protocol.workload.LoadBalancing.STANDARD.mode());
        assertEquals(Visibility.PUBLIC, service.visibility());
        assertNull(takenService(service(s -> {})).loadBalancing());
    }

    @Test
    void rejectsServices() {
        rejected(Reason.MISSING, "namespace", service(s -> s.clearNamespace()));
        rejected(Reason.MISSING, "hostname", service(s -> s.clearHostname()));
        rejected(Reason.BAD_NAME, "hostname", service(s -> s.setHostname("a/b")));
        rejected(
                Reason.BAD_PREFIX,
                "addresses",
                service(s -> s.addAddresses(
                        NetworkAddress.newBuilder().setAddress(V4).setLength(33))));
        rejected(
                Reason.BAD_PREFIX,
                "addresses",
                service(s -> s.addAddresses(
                        NetworkAddress.newBuilder().setAddress(MAPPED).setLength(95))));
        rejected(
                Reason.BAD_PREFIX,
                "addresses",
                service(s -> s.addAddresses(
                        NetworkAddress.newBuilder().setAddress(V4).setLength(-1))));
        rejected(Reason.BAD_ADDRESS, "addresses", service(s -> s.addAddresses(NetworkAddress.getDefaultInstance())));
        rejected(Reason.UNKNOWN_VALUE, "ip_families", service(s -> s.setIpFamiliesValue(4)));
        rejected(
                Reason.UNKNOWN_VALUE,
                "load_balancing.routing_preference",
                service(s -> s.setLoadBalancing(LoadBalancing.newBuilder().addRoutingPreferenceValue(0))));
        rejected(
                Reason.UNKNOWN_VALUE,
                "load_balancing.routing_preference",
                service(s -> s.setLoadBalancing(LoadBalancing.newBuilder().addRoutingPreferenceValue(7))));
        rejected(
                Reason.UNKNOWN_VALUE,
                "load_balancing.mode",
                service(s -> s.setLoadBalancing(LoadBalancing.newBuilder().setModeValue(4))));
        rejected(
                Reason.UNKNOWN_VALUE,
                "load_balancing.health_policy",
                service(s -> s.setLoadBalancing(LoadBalancing.newBuilder().setHealthPolicyValue(4))));
        rejected(
                Reason.MISSING,
                "weighted_waypoints.destination.destination",
                service(s -> s.addWeightedWaypoints(WeightedWaypoint.getDefaultInstance())));
        rejected(Reason.TOO_MANY, "ports", service(s -> {
            for (int i = 0; i <= 4_096; i++) {
                s.addPorts(Port.getDefaultInstance());
            }
        }));
    }

    private static Policy takenPolicy(Converted<MeshResource> converted) {
        return assertInstanceOf(MeshResource.OfPolicy.class, taken(converted).value())
                .policy();
    }

    private static List<Reason> warnings(Converted<MeshResource> converted) {
        return taken(converted).warnings().stream().map(ConversionFault::reason).toList();
    }

    private static Match manySources(int count) {
        return Match.newBuilder()
                .addAllSourceIps(Collections.nCopies(
                        count,
                        io.culvert.protocol.wire.security.Address.newBuilder()
                                .setAddress(ByteString.copyFrom(new byte[4]))
                                .setLength(32)
                                .build()))
                .build();
    }

    private static Converted<MeshResource> policyOf(int actionValue, Match... matches) {
        return policy(
                "ns/p",
                p -> p.setScopeValue(1)
                        .setActionValue(actionValue)
                        .setDryRun(true)
                        .addRules(
                                Rule.newBuilder().addClauses(Clause.newBuilder().addAllMatches(List.of(matches)))));
    }

    @Test
    void policyOfManyConditionsIsTakenAsItIs() {
        var converted = policyOf(1, manySources(10_001));
        assertEquals(List.of(), taken(converted).warnings());
        assertEquals(
                10_001,
                takenPolicy(converted)
                        .rules()
                        .getFirst()
                        .clauses()
                        .getFirst()
                        .matches()
                        .getFirst()
                        .sourceIps()
                        .size());
    }

    @Test
    void policyPastItsBoundsIsInForceByItsStrictestReading() {
        List<List<Match>> past = List.of(
                List.of(manySources(PolicyCodec.PARTS_MAX)),
                List.of(
                        Match.newBuilder()
                                .addNamespaces(
                                        StringMatch.newBuilder().setExact("x".repeat(MeshResources.RESOURCE_BYTES_MAX)))
                                .build(),
                        Match.getDefaultInstance()));
        List<Reason> reasons = List.of(Reason.TOO_MANY, Reason.TOO_LARGE);
        for (int i = 0; i < past.size(); i++) {
            Match[] matches = past.get(i).toArray(Match[]::new);
            var deny = policyOf(1, matches);
            assertEquals(List.of(reasons.get(i), Reason.STRICTEST_READING), warnings(deny));
            List<io.culvert.protocol.policy.Rule> always = List.of(new io.culvert.protocol.policy.Rule(List.of()));
            NamespacedName key = new NamespacedName("ns", "p");
            assertEquals(new Policy(key, Policy.Scope.NAMESPACE, Policy.Action.DENY, always, true), takenPolicy(deny));
            var allow = policyOf(0, matches);
            assertEquals(List.of(reasons.get(i), Reason.STRICTEST_READING), warnings(allow));
            assertEquals(
                    new Policy(key, Policy.Scope.NAMESPACE, Policy.Action.ALLOW, List.of(), true), takenPolicy(allow));
        }
    }

    @Test
    void policiesNameMayHaveAnyForm_andProtectsTheNamespaceItSays() {
        for (String name : List.of("plain", "a/b/c", "/p", "ns/")) {
            var converted = policy(name, p -> p.setScopeValue(1));
            Policy policy = takenPolicy(converted);
            assertEquals(name, policy.key().toString());
            assertEquals("ns", policy.namespace());
            assertEquals(List.of(Reason.NAME_MISMATCH), warnings(converted));
            assertEquals(
                    List.of(policy.key()),
                    takenWorkload(workload(w -> w.addAuthorizationPolicies(name)))
                            .authorizationPolicies());
        }
        assertEquals(
                "ns", takenPolicy(policy("other/p", p -> p.setScopeValue(1))).namespace());
    }

    @Test
    void trustDomainIsTakenAsItIsWritten() {
        assertEquals(
                "spiffe://Corp.Example/ns/ns/sa/default",
                takenWorkload(workload(w -> w.setTrustDomain("Corp.Example")))
                        .identity()
                        .uri());
    }

    @Test
    void policyIsKnownByItsResourcesName() {
        var converted = policy("ns/other", p -> p.setScopeValue(2));
        var policy = assertInstanceOf(
                        MeshResource.OfPolicy.class, taken(converted).value())
                .policy();
        assertEquals(new NamespacedName("ns", "other"), policy.key());
        assertEquals(Policy.Scope.WORKLOAD_SELECTOR, policy.scope());
        assertEquals(
                Reason.NAME_MISMATCH, taken(converted).warnings().getFirst().reason());
        assertEquals(List.of(), taken(policy("ns/p", p -> {})).warnings());
    }

    @Test
    void rejectsPolicies() {
        rejected(Reason.UNKNOWN_VALUE, "scope", policy("ns/p", p -> p.setScopeValue(3)));
        rejected(Reason.UNKNOWN_VALUE, "action", policy("ns/p", p -> p.setActionValue(2)));
    }

    @Test
    void rejectsWhatIsNoResource() {
        Address address = Address.getDefaultInstance();
        String type = MeshResources.ADDRESS_TYPE;
        rejected(Reason.MISSING, "type", MeshResources.decode(type, resource("n", type, address)));
        rejected(Reason.MISSING, "name", MeshResources.decode(type, resource("", type, address)));
        rejected(
                Reason.MISSING,
                "resource",
                MeshResources.decode(type, Resource.newBuilder().setName("n").build()));
        rejected(
                Reason.WRONG_TYPE,
                "",
                MeshResources.decode(type, resource("n", MeshResources.AUTHORIZATION_TYPE, address)));
        rejected(Reason.UNSUPPORTED, "", MeshResources.decode("t", resource("n", "t", address)));
        Resource junk = Resource.newBuilder()
                .setName("n")
                .setResource(Any.newBuilder().setTypeUrl(type).setValue(ByteString.copyFromUtf8("\u0007junk")))
                .build();
        rejected(Reason.UNDECODABLE, "", MeshResources.decode(type, junk));
        Resource large = Resource.newBuilder()
                .setName("n")
                .setResource(Any.newBuilder()
                        .setTypeUrl(type)
                        .setValue(ByteString.copyFrom(new byte[MeshResources.RESOURCE_BYTES_MAX + 1])))
                .build();
        rejected(Reason.TOO_LARGE, "", MeshResources.decode(type, large));
    }

    @Test
    void nameThatDiffersFromTheResourceIsReported() {
        Address address = Address.newBuilder()
                .setWorkload(Workload.newBuilder().setUid("uid"))
                .build();
        var converted = MeshResources.decode(
                MeshResources.ADDRESS_TYPE, resource("other", MeshResources.ADDRESS_TYPE, address));
        assertEquals(
                List.of(new ConversionFault("other", Reason.NAME_MISMATCH, "")),
                taken(converted).warnings());
    }

    @Test
    void faultsAreToldInOneSafeLine() {
        ConversionFault fault = new ConversionFault("a\nb" + "c".repeat(1_000), Reason.MISSING, "uid");
        assertEquals("a?b" + "c".repeat(253) + ": uid is missing", fault.toString());
        assertEquals("the resource is missing", new ConversionFault("n", Reason.MISSING, "").explanation());
    }
}
