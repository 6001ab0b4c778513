package io.culvert.agent.proxy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.certs.TestCa;
import io.culvert.agent.config.AgentConfig;
import io.culvert.agent.config.Knob;
import io.culvert.agent.hbone.SimTransports;
import io.culvert.agent.mesh.Records;
import io.culvert.agent.sim.SimLoop;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpAddress;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class PodTest {
    private static Pod pod(int connectionsMax, int tunnelsMax) {
        AgentConfig config = TestConfig.with(Map.of(
                Knob.CONNECTIONS_MAX, String.valueOf(connectionsMax),
                Knob.TUNNELS_MAX, String.valueOf(tunnelsMax)));
        SimNode node = new SimNode(
                new SimLoop(false),
                config,
                new Metrics("", BuildVersion.current()),
                new SimTransports(),
                (target, source, listener) -> {
                    throw new AssertionError("nothing is dialled");
                },
                Records.pod("client", "10.0.0.1").hbone().node("node-a").build(),
                () -> TestCa.EPOCH);
        return node.pod;
    }

    @Test
    void hasPlacesForEachKind_thatNoOtherKindTakes() {
        for (OpenConnection.Place greedy : OpenConnection.Place.values()) {
            Pod pod = pod(3, 2);
            int taken = 0;
            while (pod.takePlace(greedy)) {
                taken++;
            }
            assertEquals(greedy == OpenConnection.Place.TUNNEL ? 2 : 3, taken);
            for (OpenConnection.Place place : OpenConnection.Place.values()) {
                assertEquals(place != greedy, pod.takePlace(place), place + " beside " + greedy);
            }
        }
    }

    @Test
    void changesPlacesOnlyWhereThereIsOne_andLosesNone() {
        Pod pod = pod(1, 1);
        assertTrue(pod.takePlace(OpenConnection.Place.TUNNEL));
        assertTrue(pod.change(OpenConnection.Place.TUNNEL, OpenConnection.Place.CARRYING_TUNNEL));
        assertTrue(pod.takePlace(OpenConnection.Place.TUNNEL));
        assertFalse(pod.change(OpenConnection.Place.TUNNEL, OpenConnection.Place.CARRYING_TUNNEL));
        assertFalse(pod.change(OpenConnection.Place.CARRYING_TUNNEL, OpenConnection.Place.TUNNEL));
        assertEquals(2, pod.connections());
        pod.givePlaceBack(OpenConnection.Place.TUNNEL);
        assertTrue(pod.change(OpenConnection.Place.CARRYING_TUNNEL, OpenConnection.Place.TUNNEL));
        pod.givePlaceBack(OpenConnection.Place.TUNNEL);
        assertEquals(0, pod.connections());
        assertTrue(pod.takePlace(OpenConnection.Place.CARRYING_TUNNEL));
    }

    @Test
    void hasPlacesForOnePeer_thatNoOtherPeerTakes() {
        Pod pod = pod(3, 2 * Pod.PEER_SHARE);
        TunnelPeer greedy = new TunnelPeer(
                SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/greedy"), IpAddress.parse("192.0.2.7"));
        TunnelPeer other =
                new TunnelPeer(SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/other"), IpAddress.parse("192.0.2.7"));
        assertTrue(pod.takePeerPlace(greedy));
        assertTrue(pod.takePeerPlace(greedy));
        assertFalse(pod.takePeerPlace(greedy));
        assertTrue(pod.takePeerPlace(other));
        assertTrue(pod.takePeerPlace(new TunnelPeer(greedy.id(), IpAddress.parse("192.0.2.8"))), "a replica of its");
        pod.givePeerPlaceBack(greedy);
        assertTrue(pod.takePeerPlace(greedy));
        assertFalse(pod.takePeerPlace(greedy));
    }

    @Test
    void keepsItsLastPlaces_forPeersThatHaveFewConnections() {
        Pod pod = pod(128, 8);
        TunnelPeer peer =
                new TunnelPeer(SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/peer"), IpAddress.parse("192.0.2.7"));
        AtomicInteger streams = pod.enter(peer);
        assertSame(streams, pod.enter(peer), "all its tunnels count together");
        while (!pod.isShortFor(streams.get())) {
            assertTrue(pod.takePlace(OpenConnection.Place.STREAM));
            streams.incrementAndGet();
        }
        assertEquals(128 - 128 / Pod.RESERVE, streams.get());
        assertFalse(pod.isShortFor(128 / Pod.FEW - 1), "who has few is served");
        pod.leave(peer);
        assertSame(streams, pod.enter(peer), "one of its tunnels was still open");
        pod.leave(peer);
        pod.leave(peer);
        assertNotSame(streams, pod.enter(peer), "who is gone is forgotten");
    }

    @Test
    void isEmpty_onceEveryPlaceIsGivenBack() {
        Pod pod = pod(1, 1);
        int[] told = new int[1];
        for (OpenConnection.Place place : OpenConnection.Place.values()) {
            assertTrue(pod.takePlace(place));
            assertFalse(pod.takePlace(place));
        }
        assertEquals(5, pod.connections());
        pod.whenEmpty(() -> told[0]++);
        for (OpenConnection.Place place : OpenConnection.Place.values()) {
            assertEquals(0, told[0]);
            pod.givePlaceBack(place);
        }
        assertEquals(1, told[0]);
        assertEquals(0, pod.connections());
    }

    @Test
    void tellsWhoeverAsks_thatTheLastIsGone_alsoWhenItGoesMeanwhile() throws InterruptedException {
        Pod pod = pod(10, 10);
        int rounds = 200_000;
        AtomicInteger go = new AtomicInteger();
        AtomicInteger gone = new AtomicInteger();
        Thread loop = Thread.ofPlatform().start(() -> {
            for (int round = 1; round <= rounds; round++) {
                await(go, round);
                pod.givePlaceBack(OpenConnection.Place.TUNNEL);
                gone.set(round);
            }
        });
        int untold = 0;
        for (int round = 1; round <= rounds; round++) {
            assertTrue(pod.takePlace(OpenConnection.Place.TUNNEL));
            AtomicBoolean told = new AtomicBoolean();
            go.set(round);
            for (int spin = round % 50; spin > 0; spin--) {
                Thread.onSpinWait();
            }
            pod.whenEmpty(() -> told.set(true));
            await(gone, round);
            untold += told.get() ? 0 : 1;
        }
        loop.join();
        assertEquals(0, untold);
    }

    private static void await(AtomicInteger count, int least) {
        while (count.get() < least) {
            Thread.onSpinWait();
        }
    }
}
