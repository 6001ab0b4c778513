package io.culvert.agent.proxy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.certs.TestCa;
import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.hbone.SimTransports;
import io.culvert.agent.mesh.Records;
import io.culvert.agent.relay.Dialer;
import io.culvert.agent.sim.SimLoop;
import io.culvert.agent.sim.SimNet;
import io.culvert.agent.sim.SimSocket;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.workload.ApplicationTunnel;
import io.culvert.protocol.workload.Workload;
import io.culvert.testkit.Gen;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Streams of one tunnel to one port, which nothing that policy or dumps look at tells apart. */
class OpenStreamsSim {
    private static final Workload CLIENT =
            Records.pod("client", "10.0.0.1").hbone().node("node-a").build();
    private static final Workload SERVER =
            Records.pod("server", "10.0.0.2").hbone().node("node-b").build();
    private static final TestCa CA = TestCa.root("root");
    private static final int PORT = 8_000;
    private static final Policy DENY = Records.denyPorts("shop/deny", List.of(PORT));

    private final SimLoop loop = new SimLoop(false);
    private final SimNet net = new SimNet(loop, new Gen(1), 1_000);
    private final SimTransports transports = new SimTransports();
    private final SimNode near = node(CLIENT);
    private final SimNode far = node(SERVER);
    private final List<SimSocket> served = new ArrayList<>();
    private final List<IpAddress> dialled = new ArrayList<>();
    private int connections;

    private SimNode node(Workload pod) {
        TlsMaterial material = CA.material(pod.identity(), () -> TestCa.EPOCH);
        transports.know(material);
        SimNode node = new SimNode(
                loop,
                TestConfig.defaults(),
                new Metrics("", BuildVersion.current()),
                transports,
                this::dial,
                pod,
                () -> TestCa.EPOCH);
        node.certificates.put(material);
        node.publish(List.of(CLIENT, SERVER), List.of());
        return node;
    }

    private Runnable dial(IpPort target, @Nullable IpAddress source, Dialer.Listener listener) {
        SimSocket[] pair = net.connect(socket("10.0.0.1", 50_000 + connections++), socket("10.0.0.2", target.port()));
        if (target.port() == PORT) {
            served.add(pair[1]);
            dialled.add(target.ip());
        } else {
            loop.outside(() -> InboundTunnel.accept(far.podLoop, pair[1]), 0);
        }
        loop.outside(() -> listener.onConnected(pair[0]), 0);
        return () -> {};
    }

    private static InetSocketAddress socket(String ip, int port) {
        return new InetSocketAddress(ip, port);
    }

    /** An application that says nothing and waits. */
    private SimSocket open() {
        SimSocket[] pair = net.connect(socket("10.0.0.1", 40_000 + connections++), socket("10.0.0.2", PORT));
        pair[1].redirectedFrom(new IpPort(IpAddress.parse("10.0.0.2"), PORT));
        OutboundConnection.accept(near.podLoop, pair[1]);
        loop.runSeconds(1);
        return pair[0];
    }

    /** What the far end has open to the application. */
    private List<ConnectionView> streams() {
        List<ConnectionView> all = new ArrayList<>();
        for (OpenConnection each : far.podLoop.open()) {
            if (each.place() == OpenConnection.Place.STREAM) {
                all.add(Objects.requireNonNull(each.view()));
            }
        }
        return all;
    }

    private void judgeBy(Policy... policies) {
        far.publish(List.of(CLIENT, SERVER), List.of(policies));
        loop.runSeconds(1);
    }

    @AfterEach
    void end() {
        near.podLoop.close(CloseReason.POD_REMOVED, null);
        far.podLoop.close(CloseReason.POD_REMOVED, null);
        loop.runSeconds(60);
        assertEquals(List.of(), far.podLoop.open());
        loop.abandonBuffers();
    }

    @Test
    void areAllClosed_whenAPolicyDeniesThem() {
        List<SimSocket> applications = List.of(open(), open(), open());
        assertEquals(1, near.podLoop.pool().tunnels());
        assertEquals(3, streams().size());
        assertEquals(1, streams().stream().distinct().count(), "they look alike");
        judgeBy(DENY);
        assertEquals(List.of(), streams());
        loop.runSeconds(5);
        served.forEach(socket -> assertTrue(socket.isResetAlready() || socket.isClosed()));
        assertEquals(3, applications.size());
        assertEquals(1, near.podLoop.pool().tunnels(), "the tunnel itself is nobody's fault");
    }

    /** As of a pod that is about to go, or that discovery tells of under another name for a while. */
    @Test
    void areJudgedByThePodsLastRecord_whileTheMeshDoesNotKnowIt() {
        SimSocket application = open();
        far.publish(List.of(CLIENT), List.of());
        loop.runSeconds(1);
        assertEquals(1, streams().size());
        far.publish(List.of(CLIENT), List.of(DENY));
        loop.runSeconds(1);
        assertEquals(List.of(), streams());
        loop.runSeconds(5);
        assertTrue(application.isResetAlready() || application.isClosed());
    }

    /** A record that came meanwhile counts, not the one that the connection was opened under. */
    @Test
    void areJudgedByTheLatestRecord_onceThatIsGoneToo() {
        Policy named = Records.denyPorts("other/deny", List.of(PORT));
        open();
        Workload moved = Records.pod("server", "10.0.0.2")
                .hbone()
                .node("node-b")
                .policies("other/deny")
                .build();
        far.publish(List.of(CLIENT, moved), List.of());
        loop.runSeconds(1);
        assertEquals(1, streams().size());
        far.publish(List.of(CLIENT), List.of(forThoseWhoNameIt(named)));
        loop.runSeconds(1);
        assertEquals(List.of(), streams());
    }

    private static Policy forThoseWhoNameIt(Policy policy) {
        return new Policy(policy.key(), Policy.Scope.WORKLOAD_SELECTOR, policy.action(), policy.rules(), false);
    }

    @Test
    void areShownByWhatPolicyIsAskedAbout_thoughTheApplicationIsReachedOverLoopback() {
        Workload proxied = Records.pod("server", "10.0.0.2")
                .hbone()
                .node("node-b")
                .tunnel(ApplicationTunnel.Protocol.PROXY, PORT)
                .build();
        near.publish(List.of(CLIENT, proxied), List.of());
        far.publish(List.of(CLIENT, proxied), List.of());
        open();
        assertEquals(List.of(IpAddress.V4_LOOPBACK), dialled);
        assertEquals(
                List.of(new IpPort(IpAddress.parse("10.0.0.2"), PORT)),
                streams().stream().map(ConnectionView::actualDestination).toList());
    }

    @Test
    void areLookedAfter_untilTheLastHasEnded() {
        SimSocket first = open();
        SimSocket second = open();
        assertEquals(2, streams().size());
        first.abort();
        loop.runSeconds(1);
        assertEquals(1, streams().size(), "the one that is left");
        judgeBy();
        assertEquals(1, streams().size());
        assertFalse(second.isResetAlready());
        judgeBy(DENY);
        assertEquals(List.of(), streams());
    }
}
