package io.culvert.systemtests.ambient;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.wire.discovery.DeltaDiscoveryRequest;
import io.culvert.protocol.xds.MeshResources;
import io.culvert.systemtests.lab.Flow;
import io.culvert.systemtests.lab.Observation;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.NetProbe;
import io.grpc.Metadata;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** An agent that is told nothing but what a node proxy of an ambient mesh is told. */
class DropInNetnsIT {
    private static final int PORT = 7000;

    @RegisterExtension
    static final AmbientExtension LAB = AmbientExtension.shared();

    private final AmbientLab lab = LAB.lab();

    @Test
    void agentStartedWithJustThoseVariables_joinsThePods_andCarriesARequest() {
        lab.mesh();
        assertEquals(
                Set.of(
                        "XDS_ADDRESS",
                        "CA_ADDRESS",
                        "XDS_ROOT_CA",
                        "CA_ROOT_CA",
                        "INPOD_UDS",
                        "NODE_NAME",
                        "POD_NAME",
                        "POD_NAMESPACE",
                        "SERVICE_ACCOUNT"),
                new TreeSet<>(lab.environment("one").keySet()));
        Observation since = lab.observe();
        try (LabProcess serving = NetProbe.serve(lab.net(), lab.ns("server"), PORT, "echo")) {
            NetProbe.connect(lab.net(), lab.ns("client"), lab.ns("server").ipv4(), PORT, "both:1000", "fin", "eof")
                    .expectOk();
            serving.stop().expectOk();
        }
        since.expectFlows("one", Flow.mutual("source", "client", "server", 1, 1000, 1000));
        since.expectFlows("two", Flow.mutual("destination", "client", "server", 1, 1000, 1000));
    }

    @Test
    void agent_provesItselfByItsToken_andSaysWhoItIs() {
        Metadata.Key<String> token = Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
        Set<String> tokens = new TreeSet<>();
        lab.plane().calls().forEach(call -> tokens.add(String.valueOf(call.get(token))));
        assertEquals(Set.of("Bearer token-of-one", "Bearer token-of-two"), tokens);
        List<String> nodes = lab.discovery().openings(MeshResources.ADDRESS_TYPE).stream()
                .map(DeltaDiscoveryRequest::getNode)
                .map(node -> node.getId())
                .toList();
        assertTrue(
                nodes.contains("ztunnel~1.1.1.1~ztunnel-one.istio-system~istio-system.svc.cluster.local"),
                nodes.toString());
    }

    @Test
    void authority_isAskedForThePodsOfTheNode() {
        Set<String> asked = new TreeSet<>();
        lab.authority()
                .requests()
                .forEach(request -> asked.add(request.getMetadata()
                        .getFieldsOrThrow("ImpersonatedIdentity")
                        .getStringValue()));
        assertTrue(asked.contains("spiffe://cluster.local/ns/demo/sa/client"), asked.toString());
        assertTrue(asked.contains("spiffe://cluster.local/ns/demo/sa/server"), asked.toString());
    }
}
