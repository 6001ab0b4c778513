package io.culvert.systemtests.ambient;

import static io.culvert.systemtests.ambient.Talk.PORT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.mesh.Records;
import io.culvert.protocol.workload.Service;
import io.culvert.systemtests.badinput.HostilePeer;
import io.culvert.systemtests.lab.Flow;
import io.culvert.systemtests.lab.MeshYaml;
import io.culvert.systemtests.lab.Observation;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.NetProbe;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Services: their endpoints, their ports, and those of another network. */
class ServiceNetnsIT {
    private static final String VIP = "10.96.2.1";
    private static final String REMOTE = "remote";
    private static final int BYTES = 3000;

    @RegisterExtension
    static final AmbientExtension LAB = AmbientExtension.shared();

    private final AmbientLab lab = LAB.lab();
    private final Talk talk = new Talk(lab);

    private static Records.ServiceSpec svc() {
        return AmbientLab.service("svc").vip(VIP);
    }

    @Test
    void fiftyOneRequests_reachBothEndpoints_andBothReportersNameThem() {
        String key = AmbientLab.serviceKey("svc");
        lab.mesh(
                svc().ports(80, PORT).build(),
                lab.captured("server").ofKey(key, 80, PORT).build(),
                lab.captured("near").ofKey(key, 80, PORT).build());
        Observation since = lab.observe();
        try (LabProcess near = talk.echo("near", PORT);
                LabProcess far = talk.echo("server", PORT)) {
            talk.both("client", VIP, 80, 100).expectOk();
            NetProbe.connect(
                            lab.net(),
                            lab.ns("client"),
                            InetAddress.ofLiteral(VIP),
                            80,
                            List.of("--connections", "50"),
                            "both:100",
                            "fin",
                            "eof")
                    .expectOk();
            near.stop();
            far.stop();
        }
        Eventually.holds(
                "all are counted",
                Duration.ofSeconds(5),
                () -> opened(since, "one", "source", "near") + opened(since, "one", "source", "server") == 51);
        for (String endpoint : List.of("near", "server")) {
            long there = opened(since, "one", "source", endpoint);
            assertTrue(there > 0, endpoint + " is an endpoint too");
            String node = endpoint.equals("near") ? "one" : "two";
            assertEquals(there, opened(since, node, "destination", endpoint));
        }
    }

    private static long opened(Observation since, String node, String reporter, String destination) {
        return since.flows(node).stream()
                .filter(flow -> flow.reporter().equals(reporter))
                .filter(flow -> flow.to().equals(Flow.End.proven(destination)))
                .mapToLong(Flow::opened)
                .sum();
    }

    private int askForHostname() throws IOException {
        try (LabProcess serving = talk.echo("server", PORT);
                HostilePeer peer = HostilePeer.dial(
                        lab.ns("legacy-one"), lab.ns("server").ipv4(), Identities.look(lab, "client"))) {
            int status = peer.greet().connect("svc.demo.svc:80");
            serving.stop();
            return status;
        }
    }

    @Test
    void hostnameAsAuthority_leadsToTheServicesTargetPort() throws IOException {
        lab.mesh(
                svc().ports(80, PORT).build(),
                lab.captured("server")
                        .ofKey(AmbientLab.serviceKey("svc"), 80, PORT)
                        .build());
        assertEquals(200, askForHostname());
    }

    @Test
    void hostnameAsAuthority_leadsToThePortThatTheWorkloadNamesSo() throws IOException {
        lab.mesh(
                svc().ports(80, 0).build(),
                lab.captured("server")
                        .ofKey(AmbientLab.serviceKey("svc"), 80, PORT)
                        .build());
        assertEquals(200, askForHostname());
    }

    /** A far network that stands for all its endpoints by one workload without address. */
    private Records.WorkloadSpec splitHorizon() {
        return Records.pod("far")
                .namespace(AmbientLab.NAMESPACE)
                .network(REMOTE)
                .hbone()
                .ofKey(AmbientLab.serviceKey("svc"), 80, PORT);
    }

    private Service remoteService() {
        return svc().ports(80, PORT).sans(MeshYaml.idOf("server")).build();
    }

    private void expectThroughGateway() {
        Observation since = lab.observe();
        try (LabProcess serving = talk.echo("server", PORT);
                HboneEnd gateway = HboneEnd.forward(
                        lab.ns("legacy-two"),
                        Identities.look(lab, "legacy-two"),
                        lab.ns("server").ipv4(),
                        15_008)) {
            talk.both("client", VIP, 80, BYTES).expectOk();
            assertEquals(1, gateway.requests().size());
            assertEquals("svc.demo.svc:80", gateway.requests().getFirst().authority());
            assertEquals(MeshYaml.idOf("client"), gateway.requests().getFirst().peer());
            assertFalse(
                    gateway.requests().getFirst().headers().containsKey("x-forwarded-network"),
                    "that is the inner request's to say");
            serving.stop();
        }
        since.expectFlows("one", Flow.mutual("source", "client", "server", 1, BYTES, BYTES));
        assertEquals(MeshYaml.idOf("client"), since.onlyConnection("two").field("src.identity"));
        assertEquals("svc.demo.svc:80", since.onlyConnection("two").field("dst.hbone_addr"));
    }

    @Test
    void workloadOfAnotherNetwork_isReachedByItsGatewaysAddress_andProvesItselfBehindIt() {
        lab.mesh(
                remoteService(),
                splitHorizon()
                        .gateway(Records.byIp(REMOTE, lab.ip("legacy-two"), 15_008))
                        .build(),
                lab.workload("legacy-two").network(REMOTE).build());
        expectThroughGateway();
    }

    @Test
    void workloadOfAnotherNetwork_isReachedByItsGatewaysService_onItsTargetPort() {
        lab.mesh(
                remoteService(),
                splitHorizon()
                        .gateway(Records.byHost(AmbientLab.serviceKey("east-west"), 15_009))
                        .build(),
                AmbientLab.service("east-west")
                        .vip(REMOTE, "10.96.2.2")
                        .ports(15_009, 15_008)
                        .build(),
                lab.workload("legacy-two")
                        .network(REMOTE)
                        .ofKey(AmbientLab.serviceKey("east-west"), 15_009, 15_008)
                        .build());
        expectThroughGateway();
    }
}
