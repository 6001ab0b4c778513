package io.culvert.agent.route;

import static io.culvert.agent.mesh.Records.at;
import static io.culvert.agent.mesh.Records.byIp;
import static io.culvert.agent.mesh.Records.pod;
import static io.culvert.agent.mesh.Records.service;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.mesh.Records;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import java.util.List;
import java.util.SplittableRandom;

/** A router, a local workload whose connections it routes, and the meshes around it. */
abstract class OutboundRig {
    static final Workload CLIENT =
            pod("client", "10.0.0.1", "2001:db8::1").hbone().build();
    static final Service SHOP = service("shop").vip("10.96.0.1").build();

    private static final MeshSnapshot ALONE = Records.mesh(MeshSnapshot.EMPTY, CLIENT);

    final Router router = new Router(new SplittableRandom(1), RouterSettings.DEFAULTS);

    final IpPort direct(MeshSnapshot mesh, String address, int port) {
        return assertInstanceOf(Route.Direct.class, route(mesh, address, port)).target();
    }

    final Route route(MeshSnapshot mesh, String address, int port) {
        return router.outbound(mesh, CLIENT, at(address, port));
    }

    static void assertRefused(RefusalReason reason, Route route) {
        assertEquals(reason, assertInstanceOf(Route.Refused.class, route).reason());
    }

    static List<SpiffeId> ids(String account) {
        return List.of(SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/" + account));
    }

    /** A service that also runs in other networks. */
    static Records.ServiceSpec global(String name) {
        return service(name).vip("10.96.0.1").sans("spiffe://cluster.local/ns/shop/sa/remote-account");
    }

    static Records.WorkloadSpec remote(String name, String gateway) {
        return pod(name).network("west").hbone().gateway(byIp("west", gateway, 15_008));
    }

    /** A mesh of the client and these workloads and services. */
    static MeshSnapshot mesh(Record... records) {
        return Records.mesh(ALONE, records);
    }
}
