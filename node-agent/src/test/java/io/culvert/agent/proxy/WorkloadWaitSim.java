package io.culvert.agent.proxy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.base.BuildVersion;
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
import io.culvert.protocol.workload.Workload;
import io.culvert.testkit.Gen;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Connections of a pod that runs before the mesh knows it. */
class WorkloadWaitSim {
    private static final Workload CLIENT = Records.pod("client", "10.0.0.1").build();
    private static final IpPort TARGET = new IpPort(IpAddress.parse("10.0.0.2"), 80);
    private static final long PATIENCE_SECONDS = TimeUnit.NANOSECONDS.toSeconds(WorkloadWait.PATIENCE_NANOS);

    private final SimLoop loop = new SimLoop(false);
    private final SimNet net = new SimNet(loop, new Gen(1), 1_000);
    private final List<IpPort> dialled = new ArrayList<>();
    private final List<String> errors = new ArrayList<>();
    private final LogCapture log = LogCapture.of("access", (message, fields) -> {
        if (fields.containsKey("error")) {
            errors.add(String.valueOf(fields.get("error")));
        }
    });
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
            () -> TestCa.EPOCH);

    @AfterEach
    void end() {
        node.podLoop.close(CloseReason.POD_REMOVED, null);
        loop.runSeconds(60);
        assertEquals(0, loop.timers());
        log.close();
        loop.abandonBuffers();
    }

    private SimSocket open() {
        SimSocket[] pair =
                net.connect(new InetSocketAddress("10.0.0.1", 40_000), new InetSocketAddress("10.0.0.2", 80));
        pair[1].redirectedFrom(TARGET);
        OutboundConnection.accept(node.podLoop, pair[1]);
        loop.run(10_000_000);
        return pair[0];
    }

    @Test
    void goOnAtOnce_whenThePodIsKnown() {
        node.publish(List.of(CLIENT), List.of());
        open();
        assertEquals(List.of(TARGET), dialled);
    }

    @Test
    void wait_andGoOnWhenThePodIsTold() {
        open();
        loop.runSeconds(PATIENCE_SECONDS - 1);
        node.publish(List.of(Records.pod("another", "10.0.0.9").build()), List.of());
        loop.run(10_000_000);
        assertEquals(List.of(), dialled, "that is somebody else");
        node.publish(List.of(CLIENT), List.of());
        loop.run(10_000_000);
        assertEquals(List.of(TARGET), dialled);
        assertEquals(List.of(), errors);
    }

    @Test
    void areRefused_whenNobodyTellsOfThePodInTime() {
        SimSocket application = open();
        loop.runSeconds(PATIENCE_SECONDS + 1);
        assertEquals(List.of(), dialled);
        assertEquals(1, errors.size());
        assertTrue(errors.getFirst().contains("client"), errors::toString);
        assertTrue(application.isResetAlready());
        node.publish(List.of(CLIENT), List.of());
        loop.runSeconds(1);
        assertEquals(List.of(), dialled, "that comes too late");
    }
}
