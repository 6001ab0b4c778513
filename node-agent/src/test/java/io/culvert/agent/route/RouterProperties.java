package io.culvert.agent.route;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.mesh.Records;
import io.culvert.protocol.hbone.ConnectTarget;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.workload.ApplicationTunnel;
import io.culvert.protocol.workload.GatewayAddress;
import io.culvert.protocol.workload.LoadBalancing;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import io.culvert.testkit.Gen;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What holds for every decision, in meshes nobody would build on purpose. */
class RouterProperties {
    private static final RouterSettings SETTINGS = RouterSettings.DEFAULTS;

    @Test
    void neverThrows_neverTunnelsToAnybodyAtAll_andDecidesTheSameAgain() {
        Gen.forAll(2_000, gen -> {
            MeshSnapshot mesh = mesh(gen);
            Workload source = workload(gen, gen.intBetween(0, 9));
            IpPort original = new IpPort(address(gen), port(gen));
            long seed = gen.anyLong();
            Router router = new Router(new SplittableRandom(seed), SETTINGS);

            Route route = router.outbound(mesh, source, original);

            assertEquals(route, new Router(new SplittableRandom(seed), SETTINGS).outbound(mesh, source, original));
            check(mesh, source, original, route);
            if (route instanceof Route.Resolve resolve) {
                assertFalse(resolve.hostname().isEmpty());
                check(mesh, source, original, router.resolved(source, resolve, address(gen)));
            }
        });
    }

    @Test
    void deliversToTheWorkloadsOwnAddressOrLoopback_andNeverToTheAgent() {
        Gen.forAll(2_000, gen -> {
            MeshSnapshot mesh = mesh(gen);
            Workload local = workload(gen, gen.intBetween(0, 9));
            IpAddress localIp = address(gen);
            ConnectTarget authority = gen.bool()
                    ? new ConnectTarget.IpTarget(address(gen), 1 + port(gen) % 65_535)
                    : new ConnectTarget.HostTarget("s-" + gen.intBetween(0, 5) + ".shop.svc", 1 + port(gen) % 65_535);
            Router router = new Router(new SplittableRandom(1), SETTINGS);

            switch (router.inbound(mesh, local, localIp, authority)) {
                case InboundRoute.Deliver deliver -> {
                    assertEquals(localIp, deliver.judged().ip());
                    assertFalse(SETTINGS.isOwnPort(deliver.target().port()));
                    assertEquals(deliver.judged().port(), deliver.target().port());
                    boolean own = deliver.target().ip().equals(localIp);
                    assertEquals(own || deliver.target().ip().isLoopback(), true);
                    assertEquals(
                            local.applicationTunnel() != null
                                    && local.applicationTunnel().protocol() == ApplicationTunnel.Protocol.PROXY,
                            deliver.proxyHeader() != null);
                }
                case InboundRoute.Refused refused ->
                    assertEquals(true, refused.status() == 400 || refused.status() == 503);
            }
        });
    }

    private static void check(MeshSnapshot mesh, Workload source, IpPort original, Route route) {
        switch (route) {
            case Route.Direct direct -> {
                IpAddress ip = direct.target().ip();
                boolean self = ip.isLoopback() || source.addresses().contains(ip);
                assertFalse(self && SETTINGS.isOwnPort(direct.target().port()));
                if (direct.destination() != null) {
                    assertEquals(
                            Workload.TunnelProtocol.NONE, direct.destination().tunnelProtocol());
                }
            }
            case Route.Tunnelled tunnelled -> {
                assertFalse(tunnelled.expectedIdentities().isEmpty());
                assertNotNull(mesh.workload(tunnelled.destination().uid()));
                if (tunnelled instanceof Route.ViaWaypoint) {
                    assertEquals(
                            original,
                            new IpPort(
                                    tunnelled.authority().address(),
                                    tunnelled.authority().port()));
                }
            }
            case Route.DoubleHbone twice -> {
                assertFalse(twice.expectedIdentities().isEmpty());
                assertFalse(twice.innerIdentities().isEmpty());
                assertEquals(original.port(), twice.authority().port());
            }
            case Route.Resolve resolve ->
                assertNotEquals(Route.Resolve.class, resolve.template().getClass());
            case Route.Refused refused -> assertFalse(refused.detail().isEmpty());
        }
    }

    private static MeshSnapshot mesh(Gen gen) {
        MeshSnapshot.Builder builder = MeshSnapshot.EMPTY.toBuilder();
        for (int i = gen.intBetween(0, 10); i > 0; i--) {
            builder.upsert(workload(gen, i - 1));
        }
        for (int i = gen.intBetween(0, 6); i > 0; i--) {
            builder.upsert(service(gen, i - 1));
        }
        return builder.build();
    }

    private static Workload workload(Gen gen, int number) {
        Records.WorkloadSpec spec = gen.oneIn(4)
                ? Records.pod("w-" + number)
                : Records.pod(
                        "w-" + number, address(gen).toString(), address(gen).toString());
        spec.serviceAccount(gen.pick("one", "two", ""))
                .hostname(gen.pick("", "", "a.example.com"))
                .network(gen.pick("", "", "west"))
                .node(gen.pick("node-a", "node-b"))
                .capacity(gen.pick(1, 1, 2, 0));
        for (int i = gen.intBetween(0, 2); i > 0; i--) {
            spec.of("s-" + gen.intBetween(0, 5), gen.pick(80, 15_008), gen.pick(0, 8080, 15_008, 15_001));
        }
        if (gen.bool()) {
            spec.hbone();
        }
        if (gen.oneIn(3)) {
            spec.waypoint(gateway(gen));
        }
        if (gen.oneIn(3)) {
            spec.gateway(gateway(gen));
        }
        if (gen.oneIn(4)) {
            spec.tunnel(gen.pick(ApplicationTunnel.Protocol.class), gen.pick(0, 15_088, 15_006));
        }
        return spec.build();
    }

    private static Service service(Gen gen, int number) {
        Records.ServiceSpec spec = Records.service("s-" + number)
                .vip(gen.pick("", "west"), address(gen).toString())
                .range("10.0.0.0/" + gen.intBetween(8, 30))
                .ports(80, gen.pick(0, 8080), 15_008, gen.pick(0, 15_008))
                .families(gen.pick(Service.IpFamilies.class));
        if (gen.oneIn(10)) {
            spec.hostname("*.example.com");
        }
        if (gen.bool()) {
            spec.sans("spiffe://cluster.local/ns/shop/sa/" + gen.pick("one", "", "two"));
        }
        if (gen.oneIn(3)) {
            spec.waypoint(gateway(gen));
        }
        if (gen.oneIn(4)) {
            spec.weighted(gateway(gen), gen.pick(0, 1, 100)).weighted(gateway(gen), gen.pick(0, 1, 100));
        }
        if (gen.bool()) {
            spec.balancing(
                    gen.pick(LoadBalancing.Mode.class),
                    gen.pick(LoadBalancing.Scope.class),
                    gen.pick(LoadBalancing.Scope.class));
        }
        return spec.build();
    }

    private static GatewayAddress gateway(Gen gen) {
        int port = gen.pick(15_008, 80);
        return switch (gen.intBetween(0, 3)) {
            case 0 -> Records.byHost("shop/s-" + gen.intBetween(0, 5) + ".shop.svc", port);
            case 1 -> Records.byHost("shop/a.example.com", port);
            default -> Records.byIp(gen.pick("", "west"), address(gen).toString(), port);
        };
    }

    private static IpAddress address(Gen gen) {
        return switch (gen.intBetween(0, 9)) {
            case 0 -> IpAddress.V4_LOOPBACK;
            case 1 -> gen.pick(IpAddress.V6_ANY, IpAddress.V6_LOOPBACK, IpAddress.ofV4(0));
            case 2, 3 -> IpAddress.parse("2001:db8::" + gen.intBetween(1, 8));
            default -> IpAddress.parse("10.0.0." + gen.intBetween(1, 8));
        };
    }

    private static int port(Gen gen) {
        return gen.pick(80, 80, 80, 15_008, 15_001, 0, 65_535);
    }
}
