package io.culvert.agent.route;

import static io.culvert.agent.mesh.Records.byIp;
import static io.culvert.agent.mesh.Records.ip;
import static io.culvert.agent.mesh.Records.key;
import static io.culvert.agent.mesh.Records.pod;
import static io.culvert.agent.mesh.Records.service;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.mesh.Records;
import io.culvert.protocol.workload.GatewayAddress;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RouteNeedsTest extends OutboundRig {
    private static final GatewayAddress NAMED = new GatewayAddress.ByHostname(key("infra/waypoint.example"), 15_008);

    private static List<String> missing(MeshSnapshot mesh, String address) {
        return RouteNeeds.missing(mesh, CLIENT, "", ip(address));
    }

    @Test
    void needsTheDestination() {
        assertEquals(List.of("/10.0.0.9"), missing(mesh(), "10.0.0.9"));
        assertEquals(List.of("west/10.0.0.9"), RouteNeeds.missing(mesh(), CLIENT, "west", ip("10.0.0.9")));
        assertEquals(List.of("/2001:db8::9"), missing(mesh(), "2001:db8::9"));
        assertEquals(List.of(), missing(mesh(pod("web", "10.0.0.9").build()), "10.0.0.9"));
        assertEquals(List.of(), missing(mesh(service("web").vip("10.0.0.9").build()), "10.0.0.9"));
    }

    @Test
    void asksForNoAddressThatEachMachineHas() {
        assertEquals(List.of(), missing(mesh(), "127.0.0.1"));
        assertNull(RouteNeeds.nameOf("", ip("::")));
    }

    @Test
    void needsTheWaypoint_byItsNameOrAddress() {
        GatewayAddress byIp = byIp("", "10.0.0.8", 15_008);
        assertEquals(
                List.of("infra/waypoint.example"),
                missing(mesh(pod("web", "10.0.0.9").waypoint(NAMED).build()), "10.0.0.9"));
        assertEquals(
                List.of("/10.0.0.8"),
                missing(mesh(service("web").vip("10.0.0.9").waypoint(byIp).build()), "10.0.0.9"));
        assertEquals(
                List.of(),
                missing(
                        mesh(
                                service("web").vip("10.0.0.9").waypoint(byIp).build(),
                                pod("waypoint", "10.0.0.8").build()),
                        "10.0.0.9"));
    }

    @Test
    void needsEveryWaypointThatMayBeDrawn() {
        assertEquals(
                List.of("infra/waypoint.example", "/10.0.0.7"),
                missing(
                        mesh(service("web")
                                .vip("10.0.0.9")
                                .waypoint(byIp("", "10.0.0.6", 15_008))
                                .weighted(NAMED, 1)
                                .weighted(byIp("", "10.0.0.8", 15_008), 0)
                                .weighted(byIp("", "10.0.0.7", 15_008), 9)
                                .build()),
                        "10.0.0.9"));
    }

    @Test
    void needsTheGatewayToAnotherNetwork() {
        MeshSnapshot mesh = mesh(
                global("web").build(), remote("web-1", "192.0.2.1").of("web").build());
        assertEquals(List.of("west/192.0.2.1"), missing(mesh, "10.96.0.1"));
        assertEquals(
                List.of(),
                missing(
                        Records.mesh(
                                mesh,
                                pod("gateway", "192.0.2.1").network("west").build()),
                        "10.96.0.1"));
    }

    @Test
    void boundsWhatIsAskedForAtOnce() {
        Record[] records = IntStream.range(0, 2 * RouteNeeds.NAMES_MAX)
                .mapToObj(i -> remote("web-" + i, "192.0.2." + i).of("web").build())
                .toArray(Record[]::new);
        MeshSnapshot mesh = Records.mesh(mesh(global("web").build()), records);
        assertEquals(RouteNeeds.NAMES_MAX, missing(mesh, "10.96.0.1").size());
    }
}
