package io.culvert.agent.proxy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.certs.CrlStore;
import io.culvert.agent.certs.TestCa;
import io.culvert.agent.hbone.SimTransports;
import io.culvert.agent.mesh.Records;
import io.culvert.agent.sim.SimLoop;
import io.culvert.agent.sim.SimNet;
import io.culvert.agent.sim.SimSocket;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.agent.telemetry.log.LogCapture;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import io.culvert.testkit.Gen;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Connections whose destination has to be asked for: none leaves before the answer, or the end of its patience. */
class DemandSim {
    private static final Workload CLIENT =
            Records.pod("client", "10.0.0.1").hbone().node("node-a").build();
    private static final Workload SERVER =
            Records.pod("server", "10.0.0.2").hbone().node("node-b").build();
    private static final IpPort TARGET = at("10.0.0.2", 8_000);

    private final SimLoop loop = new SimLoop(false);
    private final SimNet net = new SimNet(loop, new Gen(1), 0);
    private final SimDemand demand = new SimDemand();
    private final List<IpPort> dialled = new ArrayList<>();
    private final List<String> errors = new ArrayList<>();
    private final SimNode node = new SimNode(
            loop,
            TestConfig.defaults(),
            new Metrics("", BuildVersion.current()),
            new SimTransports(),
            (target, source, listener) -> {
                dialled.add(target);
                return () -> {};
            },
            CLIENT,
            () -> TestCa.EPOCH,
            demand,
            CrlStore.none());
    private int connections;

    private final LogCapture log = LogCapture.of("access", (message, fields) -> {
        if (fields.containsKey("error")) {
            errors.add(String.valueOf(fields.get("error")));
        }
    });

    @AfterEach
    void end() {
        node.podLoop.close(CloseReason.POD_REMOVED, null);
        loop.runSeconds(60);
        assertEquals(0, demand.waiting(), "nobody waits any more");
        assertEquals(0, node.pod.connections());
        log.close();
        loop.abandonBuffers();
    }

    private static IpPort at(String ip, int port) {
        return new IpPort(IpAddress.parse(ip), port);
    }

    private static InetSocketAddress socket(IpPort address) {
        return new InetSocketAddress(address.ip().toString(), address.port());
    }

    private void open(IpPort target) {
        IpPort source = at("10.0.0.1", 40_000 + connections++);
        SimSocket[] pair = net.connect(socket(source), socket(target));
        pair[1].redirectedFrom(target);
        OutboundConnection.accept(node.podLoop, pair[1]);
        loop.runSeconds(1);
    }

    private void publish(List<Workload> workloads, Service... services) {
        node.publish(workloads, List.of(services), List.of());
        loop.runSeconds(1);
    }

    private void answer(String name) {
        demand.answer(name);
        loop.runSeconds(1);
    }

    @Test
    void waitsForTheAnswer_andGoesWhereItLeads() {
        publish(List.of(CLIENT));
        open(TARGET);
        assertEquals(List.of("/10.0.0.2"), demand.asked());
        assertEquals(List.of(), dialled);
        publish(List.of(CLIENT, Records.pod("server", "10.0.0.2").build()));
        assertEquals(List.of(), dialled, "a publication alone is no answer");
        answer("/10.0.0.2");
        assertEquals(List.of(TARGET), dialled);
    }

    @Test
    void asksForWhatTheAnswerNames_too() {
        publish(List.of(CLIENT));
        open(TARGET);
        Service service = Records.service("web")
                .vip("10.0.0.2")
                .waypoint(Records.byIp("", "10.0.0.8", 15_008))
                .build();
        publish(List.of(CLIENT), service);
        answer("/10.0.0.2");
        assertEquals(List.of("/10.0.0.2", "/10.0.0.8"), demand.asked());
        assertEquals(List.of(), errors);
        answer("/10.0.0.8");
        assertEquals(1, errors.size(), "there is no such waypoint, and no way around it");
        assertEquals(List.of(), dialled);
    }

    @Test
    void goesOn_whenNoAnswerComesInTime() {
        publish(List.of(CLIENT));
        open(TARGET);
        loop.runSeconds(TimeUnit.NANOSECONDS.toSeconds(DemandWait.PATIENCE_NANOS) - 2);
        assertEquals(List.of(), dialled);
        loop.runSeconds(3);
        assertEquals(List.of(TARGET), dialled);
        assertEquals(0, demand.waiting());
    }

    @Test
    void asksNobody_forWhatIsKnownOrKnownToBeAbsent() {
        publish(List.of(CLIENT, Records.pod("server", "10.0.0.2").build()));
        open(TARGET);
        demand.absent("/10.0.0.3");
        open(at("10.0.0.3", 80));
        assertEquals(List.of(), demand.asked());
        assertEquals(List.of(TARGET, at("10.0.0.3", 80)), dialled);
    }

    @Test
    void asksForItsOwnWorkload_whileThatIsAwaited() {
        publish(List.of(SERVER));
        open(TARGET);
        assertEquals(List.of("/10.0.0.1"), demand.asked());
        assertEquals(List.of(), dialled);
        publish(List.of(SERVER, CLIENT));
        assertTrue(demand.asked().contains("/10.0.0.1"));
        demand.answer("/10.0.0.1");
        loop.runSeconds(20);
        assertEquals(1, errors.size());
        assertTrue(errors.getFirst().contains("no certificate"), errors::toString);
    }

    @Test
    void boundsHowManyWait_andRefusesTheOthers() {
        publish(List.of(CLIENT));
        for (int i = 0; i < PodLoop.ASKING_MAX; i++) {
            IpPort source = at("10.0.0.1", 50_000 + i);
            SimSocket[] pair = net.connect(socket(source), socket(at("10.1.0.1", 1 + i)));
            pair[1].redirectedFrom(at("10.1." + i / 250 + "." + (1 + i % 250), 80));
            OutboundConnection.accept(node.podLoop, pair[1]);
        }
        loop.runSeconds(1);
        assertEquals(PodLoop.ASKING_MAX, demand.waiting());
        open(TARGET);
        assertEquals(1, errors.size());
        assertTrue(errors.getFirst().contains("as many answers"), errors::toString);
        loop.runSeconds(10);
        assertEquals(PodLoop.ASKING_MAX, dialled.size());
    }

    @Test
    void letsGoOfTheWait_whenTheApplicationLeaves() {
        publish(List.of(CLIENT));
        IpPort source = at("10.0.0.1", 39_999);
        SimSocket[] pair = net.connect(socket(source), socket(TARGET));
        pair[1].redirectedFrom(TARGET);
        OutboundConnection.accept(node.podLoop, pair[1]);
        loop.runSeconds(1);
        pair[0].abort();
        loop.runSeconds(1);
        assertEquals(0, demand.waiting());
        assertEquals(List.of(), dialled);
    }
}
