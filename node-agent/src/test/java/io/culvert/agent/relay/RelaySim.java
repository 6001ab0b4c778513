package io.culvert.agent.relay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.sim.SimApp;
import io.culvert.agent.sim.SimLoop;
import io.culvert.agent.sim.SimNet;
import io.culvert.agent.sim.SimSocket;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.testkit.Gen;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A relay between two sockets on a simulated network, under every manner of application. */
class RelaySim {
    private static final int CASES = 4_000;

    @Test
    void keepsWhatADirectConnectionWouldKeep() {
        Gen.forAll(CASES, gen -> new Run(gen, false).check());
    }

    @Test
    void orderlyApplicationsGetEverything() {
        Gen.forAll(CASES, gen -> new Run(gen, true).check());
    }

    private static final class Run implements RelayOwner {
        private final SimLoop loop;
        private final SimNet net;
        private final boolean orderly;
        private final boolean scarce;
        private final SimApp client;
        private final SimApp server;
        private final List<CloseReason> closed = new ArrayList<>();
        private long up;
        private long down;

        Run(Gen gen, boolean orderly) {
            this.orderly = orderly;
            this.scarce = !orderly && gen.oneIn(5);
            this.loop = new SimLoop(scarce);
            this.net = new SimNet(loop, gen, gen.pick(0, 1_000, 1_000_000));
            SimSocket[] near = net.connect(address(1), address(2));
            SimSocket[] far = net.connect(address(3), address(4));
            int bytesMax = gen.oneIn(20) ? 200_000 : 30_000;
            client = new SimApp(net, near[0], 1, false, bytesMax, orderly);
            server = new SimApp(net, far[1], 1, true, bytesMax, orderly);
            loop.outside(() -> begin(near[1], far[0]), gen.intBetween(0, 100_000));
        }

        private static InetSocketAddress address(int last) {
            return new InetSocketAddress("10.0.0." + last, 1_000 + last);
        }

        private void begin(SimSocket app, SimSocket upstream) {
            SocketPeer peer = new SocketPeer(loop, upstream);
            peer.start(new Relay(loop, app, peer, this));
        }

        void check() {
            try {
                loop.runSeconds(600);
                assertInvariants();
            } finally {
                loop.abandonBuffers();
            }
        }

        private void assertInvariants() {
            String state = client + " " + server + " closed " + closed;
            assertEquals(1, closed.size(), () -> "one close: " + state);
            assertEquals(0, loop.pool().lentBytes(), () -> "buffers come back: " + state);
            assertEquals(0, loop.pipePool().lent(), () -> "pipes come back: " + state);
            assertEquals(0, loop.timers(), () -> "timers come back: " + state);
            assertEquals(List.of(), net.open(), () -> "sockets come back: " + state);
            assertTrue(server.received() <= client.sent() && client.received() <= server.sent(), state);
            assertTrue(up >= server.received() && up <= client.sent(), () -> "counted up " + up + ": " + state);
            assertTrue(down >= client.received() && down <= server.sent(), () -> "counted down " + down + ": " + state);
            assertEnds(state);
        }

        private void assertEnds(String state) {
            if (!client.broke() && !server.broke() && !scarce) {
                assertTrue(client.isContent() && server.isContent(), () -> "orderly stays orderly: " + state);
                assertEquals(client.sent(), server.received(), state);
                assertEquals(server.sent(), client.received(), state);
                assertEquals(CloseReason.NORMAL, closed.getFirst(), state);
            }
            if (orderly) {
                assertTrue(!client.broke() && !server.broke(), state);
            }
            assertToldOfReset(client, server, state);
            assertToldOfReset(server, client, state);
        }

        /** A reset is told as one, unless whoever is to be told was through with the connection. */
        private static void assertToldOfReset(SimApp resetting, SimApp told, String state) {
            if (resetting.reset() && !told.broke() && !told.isContent()) {
                assertTrue(told.sawReset(), () -> "a reset arrives as a reset: " + state);
            }
        }

        @Override
        public void relayedUp(int count) {
            up += count;
        }

        @Override
        public void relayedDown(int count) {
            down += count;
        }

        @Override
        public void relayClosed(CloseReason reason, @Nullable String detail) {
            closed.add(reason);
        }
    }
}
