package io.culvert.systemtests.ambient;

import static io.culvert.systemtests.ambient.Talk.PORT;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.agent.mesh.Records;
import io.culvert.protocol.workload.ApplicationTunnel;
import io.culvert.protocol.workload.GatewayAddress;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import io.culvert.systemtests.badinput.TlsSession;
import io.culvert.systemtests.lab.Flow;
import io.culvert.systemtests.lab.LogEntry;
import io.culvert.systemtests.lab.MeshYaml;
import io.culvert.systemtests.lab.Observation;
import io.culvert.testkit.LabProcess;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Traffic that goes by way of a waypoint: whom the client's agent dials, what it asks for, whom it expects. */
class WaypointNetnsIT {
    private static final String VIP = "10.96.1.1";
    private static final String WAYPOINT_VIP = "10.96.1.2";
    private static final int BYTES = 3000;
    private static final int PROXY_PORT = 15_088;

    @RegisterExtension
    static final AmbientExtension LAB = AmbientExtension.shared();

    private final AmbientLab lab = LAB.lab();
    private final Talk talk = new Talk(lab);

    private void expectByWaypoint(String to, int port, String authority) {
        expectByWaypoint(MeshYaml.idOf("legacy-two"), to, port, authority);
    }

    /** Has bytes returned by a waypoint of the test's own, which stands in a pod that nobody captures. */
    private void expectByWaypoint(String id, String to, int port, String authority) {
        Observation since = lab.observe();
        TlsSession.Look look = TlsSession.Look.of(Identities.certify(lab, id));
        try (HboneEnd waypoint = HboneEnd.echo(lab.ns("legacy-two"), look)) {
            talk.both("client", to, port, BYTES).expectOk();
            assertEquals(1, waypoint.requests().size());
            HboneEnd.Request request = waypoint.requests().getFirst();
            assertEquals(authority, request.authority());
            assertEquals(MeshYaml.idOf("client"), request.peer());
        }
        LogEntry entry = since.onlyConnection("one");
        assertEquals(
                List.of(lab.ip("legacy-two") + ":15008", authority, "legacy-two", id, MeshYaml.idOf("client"), ""),
                List.of(
                        entry.field("dst.addr"),
                        entry.field("dst.hbone_addr"),
                        entry.field("dst.workload"),
                        entry.field("dst.identity"),
                        entry.field("src.identity"),
                        entry.field("error")));
        Flow.End proven = new Flow.End("legacy-two", id);
        since.expectFlows(
                "one",
                new Flow(
                        "source",
                        Flow.End.proven("client"),
                        proven,
                        "mutual_tls",
                        1,
                        Map.of(Flow.FINE, 1L),
                        BYTES,
                        BYTES));
    }

    private Records.WorkloadSpec waypoint() {
        return lab.workload("legacy-two");
    }

    @Test
    void workloadsWaypointByAddress_isAskedForThePodsOwnAddress() {
        lab.mesh(
                lab.captured("server")
                        .waypoint(Records.byIp(lab.ip("legacy-two")))
                        .build(),
                waypoint().build());
        expectByWaypoint(lab.ip("server"), PORT, lab.ip("server") + ":" + PORT);
    }

    @Test
    void servicesWaypointByAddress_isAskedForTheServicesAddress() {
        lab.mesh(
                lab.captured("server")
                        .ofKey(AmbientLab.serviceKey("svc"), 80, PORT)
                        .build(),
                AmbientLab.service("svc")
                        .vip(VIP)
                        .ports(80, PORT)
                        .waypoint(Records.byIp(lab.ip("legacy-two")))
                        .build(),
                waypoint().build());
        expectByWaypoint(VIP, 80, VIP + ":80");
    }

    @Test
    void workloadsWaypointByHostnameOfAService_isFoundBehindIt() {
        lab.mesh(
                lab.captured("server")
                        .waypoint(Records.byHost(AmbientLab.serviceKey("gateway"), 15_008))
                        .build(),
                AmbientLab.service("gateway")
                        .vip(WAYPOINT_VIP)
                        .ports(15_008, 15_008)
                        .build(),
                waypoint()
                        .ofKey(AmbientLab.serviceKey("gateway"), 15_008, 15_008)
                        .build());
        expectByWaypoint(lab.ip("server"), PORT, lab.ip("server") + ":" + PORT);
    }

    @Test
    void workloadsWaypointByHostnameOfAWorkload_isThatWorkload() {
        lab.mesh(
                lab.captured("server")
                        .waypoint(Records.byHost("demo/waypoint.example.com", 15_008))
                        .build(),
                waypoint().hostname("waypoint.example.com").build());
        expectByWaypoint(lab.ip("server"), PORT, lab.ip("server") + ":" + PORT);
    }

    /**
     * Neither the service nor its pod is of the waypoint's namespace, whose service account the waypoint proves
     * to be.
     */
    @Test
    void waypointOfAnotherNamespace_isFoundByHostnameAndByAddress_andProvesThatItIsOfThere() {
        String key = "gateways/waypoint.gateways.svc";
        Service gateway = Records.service("waypoint")
                .namespace("gateways")
                .vip(WAYPOINT_VIP)
                .ports(15_008, 15_008)
                .build();
        Workload behind =
                waypoint().namespace("gateways").ofKey(key, 15_008, 15_008).build();
        Workload server = lab.captured("server")
                .ofKey(AmbientLab.serviceKey("svc"), 80, PORT)
                .waypoint(Records.byHost(key, 15_008))
                .build();
        String id = "spiffe://cluster.local/ns/gateways/sa/legacy-two";
        for (GatewayAddress bound : List.of(Records.byHost(key, 15_008), Records.byIp(WAYPOINT_VIP))) {
            lab.mesh(
                    server,
                    AmbientLab.service("svc")
                            .vip(VIP)
                            .ports(80, PORT)
                            .waypoint(bound)
                            .build(),
                    gateway,
                    behind);
            expectByWaypoint(id, VIP, 80, VIP + ":80");
        }
        expectByWaypoint(id, lab.ip("server"), PORT, lab.ip("server") + ":" + PORT);
    }

    /** The waypoint's own pod is captured too: its application takes what comes for the server and calls the server itself. */
    @Test
    void waypointThatIsItselfCaptured_takesForeignAddresses_andDoesNotCallItself() throws IOException {
        lab.mesh(
                lab.captured("server")
                        .waypoint(Records.byIp(lab.ip("waypoint")))
                        .build(),
                lab.captured("waypoint")
                        .tunnel(ApplicationTunnel.Protocol.NONE, 0)
                        .build());
        Observation since = lab.observe();
        try (LabProcess serving = talk.echo("server", PORT);
                Forwarder between = Forwarder.plain(
                        lab.ns("waypoint"), PORT, lab.ns("server").ipv4())) {
            talk.both("client", lab.ip("server"), PORT, BYTES).expectOk();
            assertEquals(1, between.served());
            serving.stop();
        }
        since.expectFlows("one", Flow.mutual("source", "client", "waypoint", 1, BYTES, BYTES));
        since.expectFlows(
                "two",
                Flow.mutual("destination", "client", "waypoint", 1, BYTES, BYTES),
                Flow.mutual("source", "waypoint", "server", 1, BYTES, BYTES),
                Flow.mutual("destination", "waypoint", "server", 1, BYTES, BYTES));
    }

    /** As before, but the application is told by PROXY protocol who wanted to reach whom. */
    @Test
    void capturedWaypointThatTakesProxyProtocol_isToldTheDestination() throws IOException {
        lab.mesh(
                lab.captured("server")
                        .waypoint(Records.byIp("", WAYPOINT_VIP, 15_008))
                        .build(),
                AmbientLab.service("gateway").vip(WAYPOINT_VIP).ports().build(),
                lab.captured("waypoint")
                        .tunnel(ApplicationTunnel.Protocol.PROXY, PROXY_PORT)
                        .ofKey(AmbientLab.serviceKey("gateway"))
                        .build());
        Observation since = lab.observe();
        try (LabProcess serving = talk.echo("server", PORT);
                Forwarder between = Forwarder.proxyProtocol(lab.ns("waypoint"), PROXY_PORT)) {
            talk.both("client", lab.ip("server"), PORT, BYTES).expectOk();
            assertEquals(List.of(lab.ip("client") + " -> " + lab.ip("server") + ":" + PORT), between.told());
            serving.stop();
        }
        since.expectFlows(
                "two",
                Flow.mutual("destination", "client", "waypoint", 1, BYTES, BYTES),
                Flow.mutual("source", "waypoint", "server", 1, BYTES, BYTES),
                Flow.mutual("destination", "waypoint", "server", 1, BYTES, BYTES));
    }
}
