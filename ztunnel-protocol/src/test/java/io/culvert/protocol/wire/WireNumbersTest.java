package io.culvert.protocol.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.culvert.protocol.wire.auth.IstioCertificateRequest;
import io.culvert.protocol.wire.auth.IstioCertificateResponse;
import io.culvert.protocol.wire.discovery.DeltaDiscoveryRequest;
import io.culvert.protocol.wire.discovery.DeltaDiscoveryResponse;
import io.culvert.protocol.wire.security.Authorization;
import io.culvert.protocol.wire.workload.Address;
import io.culvert.protocol.wire.workload.Service;
import io.culvert.protocol.wire.workload.Workload;
import io.culvert.protocol.wire.zds.WorkloadRequest;
import io.culvert.protocol.wire.zds.WorkloadResponse;
import io.culvert.protocol.wire.zds.ZdsHello;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Messages written by number and wire type read back by name; the numbers stand here a second time, so that a slip in a
 * definition does not go unseen.
 */
class WireNumbersTest {
    private static <M extends MessageLite> M read(Parser<M> parser, Raw raw) throws Exception {
        return parser.parseFrom(raw.done());
    }

    private static Raw raw() {
        return new Raw();
    }

    @Test
    void workload() throws Exception {
        Raw gateway = raw().message(1, raw().text(1, "ns").text(2, "host")).number(3, 15008);
        Raw byAddress =
                raw().message(2, raw().text(1, "net").bytes(2, 10, 0, 0, 9)).number(3, 1);
        Raw ports = raw().message(1, raw().number(1, 80).number(2, 8080).number(3, 3));
        Address address = read(
                Address.parser(),
                raw().message(
                                1,
                                raw().text(1, "name")
                                        .text(2, "namespace")
                                        .bytes(3, 10, 0, 0, 1)
                                        .text(4, "network")
                                        .number(5, 1)
                                        .text(6, "trust")
                                        .text(7, "account")
                                        .message(8, gateway)
                                        .text(9, "node")
                                        .text(10, "canonical")
                                        .text(11, "revision")
                                        .number(12, 3)
                                        .text(13, "workload")
                                        .number(14, 1)
                                        .text(16, "ns/policy")
                                        .number(17, 1)
                                        .text(18, "cluster")
                                        .message(19, byAddress)
                                        .text(20, "uid")
                                        .text(21, "hostname")
                                        .message(22, raw().text(1, "ns/svc").message(2, ports))
                                        .message(23, raw().number(1, 1).number(2, 7000))
                                        .message(
                                                24,
                                                raw().text(1, "r").text(2, "z").text(3, "s"))
                                        .number(25, 1)
                                        .message(26, raw().text(1, "ext"))
                                        .message(27, raw().number(1, 7))));
        Workload w = address.getWorkload();
        assertEquals(
                List.of(
                        "name",
                        "namespace",
                        "network",
                        "trust",
                        "account",
                        "node",
                        "canonical",
                        "revision",
                        "workload"),
                List.of(
                        w.getName(),
                        w.getNamespace(),
                        w.getNetwork(),
                        w.getTrustDomain(),
                        w.getServiceAccount(),
                        w.getNode(),
                        w.getCanonicalName(),
                        w.getCanonicalRevision(),
                        w.getWorkloadName()));
        assertEquals(
                List.of("uid", "hostname", "cluster", "ns/policy"),
                List.of(w.getUid(), w.getHostname(), w.getClusterId(), w.getAuthorizationPolicies(0)));
        assertEquals(
                List.of("HBONE", "JOB", "UNHEALTHY", "HOST_NETWORK", "PROXY"),
                List.of(
                        w.getTunnelProtocol().name(),
                        w.getWorkloadType().name(),
                        w.getStatus().name(),
                        w.getNetworkMode().name(),
                        w.getApplicationTunnel().getProtocol().name()));
        assertEquals(
                List.of(15008, 1, 80, 8080, 3, 7000, 7, 4),
                List.of(
                        w.getWaypoint().getHboneMtlsPort(),
                        w.getNetworkGateway().getHboneMtlsPort(),
                        w.getServicesOrThrow("ns/svc").getPorts(0).getServicePort(),
                        w.getServicesOrThrow("ns/svc").getPorts(0).getTargetPort(),
                        w.getServicesOrThrow("ns/svc").getPorts(0).getAppProtocolValue(),
                        w.getApplicationTunnel().getPort(),
                        w.getCapacity().getValue(),
                        w.getAddresses(0).size()));
        assertEquals(
                "ns/host",
                w.getWaypoint().getHostname().getNamespace() + "/"
                        + w.getWaypoint().getHostname().getHostname());
        assertEquals("net", w.getNetworkGateway().getAddress().getNetwork());
        assertEquals(9, w.getNetworkGateway().getAddress().getAddress().byteAt(3));
        assertEquals(
                "rzs",
                w.getLocality().getRegion()
                        + w.getLocality().getZone()
                        + w.getLocality().getSubzone());
        assertEquals("ext", w.getExtensions(0).getName());
        assertTrue(w.getNativeTunnel());
    }

    @Test
    void service() throws Exception {
        Raw gateway = raw().message(1, raw().text(1, "ns").text(2, "host")).number(3, 15008);
        Address address = read(
                Address.parser(),
                raw().message(
                                2,
                                raw().text(1, "name")
                                        .text(2, "namespace")
                                        .text(3, "hostname")
                                        .message(
                                                4,
                                                raw().text(1, "net")
                                                        .bytes(2, 10, 0, 0, 0)
                                                        .number(3, 8))
                                        .message(5, raw().number(1, 80))
                                        .text(6, "spiffe://a")
                                        .message(7, gateway)
                                        .message(
                                                8,
                                                raw().number(1, 6).number(2, 3).number(3, 1))
                                        .number(9, 3)
                                        .message(10, raw().text(1, "ext"))
                                        .number(11, 1)
                                        .number(12, 1)
                                        .message(13, raw().message(1, gateway).number(2, 90))
                                        .number(14, 1)));
        Service s = address.getService();
        assertEquals(
                List.of("name", "namespace", "hostname", "spiffe://a", "net", "ext"),
                List.of(
                        s.getName(),
                        s.getNamespace(),
                        s.getHostname(),
                        s.getSubjectAltNames(0),
                        s.getAddresses(0).getNetwork(),
                        s.getExtensions(0).getName()));
        assertEquals(
                List.of("NETWORK", "PASSTHROUGH", "ALLOW_ALL", "DUAL", "NAMESPACE"),
                List.of(
                        s.getLoadBalancing().getRoutingPreference(0).name(),
                        s.getLoadBalancing().getMode().name(),
                        s.getLoadBalancing().getHealthPolicy().name(),
                        s.getIpFamilies().name(),
                        s.getVisibility().name()));
        assertEquals(
                List.of(8, 80, 15008, 90, 15008),
                List.of(
                        s.getAddresses(0).getLength(),
                        s.getPorts(0).getServicePort(),
                        s.getWaypoint().getHboneMtlsPort(),
                        s.getWeightedWaypoints(0).getWeight(),
                        s.getWeightedWaypoints(0).getDestination().getHboneMtlsPort()));
        assertTrue(s.getCanonical() && s.getIngressUseWaypoint());
    }

    @Test
    void authorization() throws Exception {
        Raw match = raw().message(1, raw().text(1, "exact"))
                .message(2, raw().text(2, "prefix"))
                .message(3, raw().text(3, "suffix"))
                .message(4, raw().message(4, raw()))
                .message(5, raw().bytes(1, 1, 2, 3, 5).number(2, 25))
                .message(6, raw().bytes(1, 1, 2, 3, 6).number(2, 26))
                .message(7, raw().bytes(1, 1, 2, 3, 7).number(2, 27))
                .message(8, raw().bytes(1, 1, 2, 3, 8).number(2, 28))
                .number(9, 900)
                .number(10, 1000)
                .message(11, raw().text(1, "ns").text(2, "sa"))
                .message(12, raw().text(1, "not-ns").text(2, "not-sa"));
        Authorization a = read(
                Authorization.parser(),
                raw().text(1, "name")
                        .text(2, "namespace")
                        .number(3, 2)
                        .number(4, 1)
                        .message(5, raw().message(1, raw().message(2, match)))
                        .number(6, 1));
        assertEquals(
                List.of("name", "namespace", "WORKLOAD_SELECTOR", "DENY", "true"),
                List.of(
                        a.getName(),
                        a.getNamespace(),
                        a.getScope().name(),
                        a.getAction().name(),
                        "" + a.getDryRun()));
        var m = a.getRules(0).getClauses(0).getMatches(0);
        assertEquals(
                List.of("exact", "prefix", "suffix", "true", "ns", "sa", "not-ns", "not-sa"),
                List.of(
                        m.getNamespaces(0).getExact(),
                        m.getNotNamespaces(0).getPrefix(),
                        m.getPrincipals(0).getSuffix(),
                        "" + m.getNotPrincipals(0).hasPresence(),
                        m.getServiceAccounts(0).getNamespace(),
                        m.getServiceAccounts(0).getServiceAccount(),
                        m.getNotServiceAccounts(0).getNamespace(),
                        m.getNotServiceAccounts(0).getServiceAccount()));
        assertEquals(
                List.of(5, 6, 7, 8, 25, 26, 27, 28, 900, 1000),
                List.of(
                        (int) m.getSourceIps(0).getAddress().byteAt(3),
                        (int) m.getNotSourceIps(0).getAddress().byteAt(3),
                        (int) m.getDestinationIps(0).getAddress().byteAt(3),
                        (int) m.getNotDestinationIps(0).getAddress().byteAt(3),
                        m.getSourceIps(0).getLength(),
                        m.getNotSourceIps(0).getLength(),
                        m.getDestinationIps(0).getLength(),
                        m.getNotDestinationIps(0).getLength(),
                        m.getDestinationPorts(0),
                        m.getNotDestinationPorts(0)));
    }

    @Test
    void zds() throws Exception {
        assertEquals(1, read(ZdsHello.parser(), raw().number(1, 1)).getVersionValue());
        var add = read(
                        WorkloadRequest.parser(),
                        raw().message(
                                        1,
                                        raw().text(1, "u")
                                                .message(
                                                        2,
                                                        raw().text(1, "n")
                                                                .text(2, "ns")
                                                                .text(3, "sa"))))
                .getAdd();
        assertEquals(
                List.of("u", "n", "ns", "sa"),
                List.of(
                        add.getUid(),
                        add.getWorkloadInfo().getName(),
                        add.getWorkloadInfo().getNamespace(),
                        add.getWorkloadInfo().getServiceAccount()));
        assertEquals(
                "d",
                read(WorkloadRequest.parser(), raw().message(2, raw().text(2, "d")))
                        .getDel()
                        .getUid());
        assertTrue(read(WorkloadRequest.parser(), raw().message(3, raw())).hasSnapshotSent());
        assertEquals(
                "k",
                read(WorkloadRequest.parser(), raw().message(5, raw().text(1, "k")))
                        .getKeep()
                        .getUid());
        assertEquals(
                "e",
                read(WorkloadResponse.parser(), raw().message(1, raw().text(1, "e")))
                        .getAck()
                        .getError());
    }

    @Test
    void discovery() throws Exception {
        Raw metadata = raw().message(1, raw().text(1, "NODE_NAME").message(2, raw().text(3, "n1")));
        var request = read(
                DeltaDiscoveryRequest.parser(),
                raw().message(
                                1,
                                raw().text(1, "id")
                                        .text(2, "c")
                                        .message(3, metadata)
                                        .text(5, "b"))
                        .text(2, "type")
                        .text(3, "subscribe")
                        .text(4, "unsubscribe")
                        .message(5, raw().text(1, "name").text(2, "version"))
                        .text(6, "nonce")
                        .message(7, raw().number(1, 13).text(2, "error")));
        assertEquals(
                List.of("id", "n1", "b", "type", "subscribe", "unsubscribe", "version", "nonce", "error"),
                List.of(
                        request.getNode().getId(),
                        request.getNode()
                                .getMetadata()
                                .getFieldsOrThrow("NODE_NAME")
                                .getStringValue(),
                        request.getNode().getBuildVersion(),
                        request.getTypeUrl(),
                        request.getResourceNamesSubscribe(0),
                        request.getResourceNamesUnsubscribe(0),
                        request.getInitialResourceVersionsOrThrow("name"),
                        request.getResponseNonce(),
                        request.getErrorDetail().getMessage()));
        var response = read(
                DeltaDiscoveryResponse.parser(),
                raw().text(1, "system")
                        .message(
                                2,
                                raw().text(1, "v")
                                        .message(2, raw().text(1, "url").bytes(2, 1, 2))
                                        .text(3, "name")
                                        .text(4, "alias")
                                        .message(6, raw().number(1, 30)))
                        .text(4, "type")
                        .text(5, "nonce")
                        .text(6, "removed"));
        assertEquals(
                List.of("system", "v", "url", "name", "alias", "type", "nonce", "removed"),
                List.of(
                        response.getSystemVersionInfo(),
                        response.getResources(0).getVersion(),
                        response.getResources(0).getResource().getTypeUrl(),
                        response.getResources(0).getName(),
                        response.getResources(0).getAliases(0),
                        response.getTypeUrl(),
                        response.getNonce(),
                        response.getRemovedResources(0)));
    }

    @Test
    void certificateAuthority() throws Exception {
        Raw metadata = raw().message(1, raw().text(1, "ImpersonatedIdentity").message(2, raw().text(3, "spiffe://x")));
        var request = read(
                IstioCertificateRequest.parser(),
                raw().text(1, "csr").number(3, 86_400).message(4, metadata));
        assertEquals("csr", request.getCsr());
        assertEquals(86_400, request.getValidityDuration());
        assertEquals(
                "spiffe://x",
                request.getMetadata().getFieldsOrThrow("ImpersonatedIdentity").getStringValue());
        var response =
                read(IstioCertificateResponse.parser(), raw().text(1, "leaf").text(1, "root"));
        assertEquals(List.of("leaf", "root"), response.getCertChainList());
    }
}
