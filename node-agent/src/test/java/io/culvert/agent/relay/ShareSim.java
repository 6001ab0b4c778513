package io.culvert.agent.relay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.base.Loop;
import io.culvert.agent.base.ShareLoop;
import io.culvert.agent.sim.SimApp;
import io.culvert.agent.sim.SimLoop;
import io.culvert.agent.sim.SimNet;
import io.culvert.agent.sim.SimSocket;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.testkit.Gen;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * More downloads of one pod that nobody reads than there are buffers for, beside the connections of another pod: nobody is
 * reset, the other pod does not notice, and all bytes arrive once they are read.
 */
class ShareSim {
    private static final int CASES = 4;
    private static final long BUFFER_BYTES_MAX = 2L << 20;
    private static final int DOWNLOADS = 300;
    private static final int FURTHER = 25;
    private static final int DOWNLOAD_BYTES = 150_000;
    private static final int OTHERS = 10;

    @Test
    void aPodWhoseClientsReadNothing_slowsItselfAlone() {
        Gen.forAll(CASES, gen -> {
            Run run = new Run(gen);
            try {
                run.check();
            } finally {
                run.loop.abandonBuffers();
            }
        });
    }

    private static final class Outcome implements RelayOwner {
        private @Nullable CloseReason closed;

        @Override
        public void relayedUp(int count) {}

        @Override
        public void relayedDown(int count) {}

        @Override
        public void relayClosed(CloseReason reason, @Nullable String detail) {
            closed = reason;
        }
    }

    /** A server that sends all it has, a client that reads nothing until it is told to, and the relay between them. */
    private static final class Download {
        private final SimSocket client;
        private final SimSocket server;
        private final Outcome outcome;
        private final ByteBuffer unsent = ByteBuffer.allocate(DOWNLOAD_BYTES);
        private boolean reads;
        private int received;

        Download(SimSocket client, SimSocket server, Outcome outcome) {
            this.client = client;
            this.server = server;
            this.outcome = outcome;
            client.listener(this::read);
            server.listener(this::send);
        }

        void send() {
            if (unsent.hasRemaining() && server.isWritable()) {
                server.write(unsent);
                if (!unsent.hasRemaining()) {
                    server.shutdownWrite();
                }
            }
            if (server.isReadable() && server.read(ByteBuffer.allocate(1)) == RelaySocket.END) {
                server.close();
            }
        }

        void read() {
            ByteBuffer into = ByteBuffer.allocate(10_000);
            while (reads && !client.isClosed() && client.isReadable()) {
                int count = client.read(into.clear());
                received += Math.max(0, count);
                if (count == RelaySocket.END) {
                    client.close();
                }
            }
        }
    }

    private static final class Run {
        private final SimLoop loop = new SimLoop(BUFFER_BYTES_MAX);
        private final Loop hungryPod = new ShareLoop(loop);
        private final Loop otherPod = new ShareLoop(loop);
        private final SimNet net;
        private final Gen gen;
        private final List<Download> downloads = new ArrayList<>();
        private final List<SimApp> others = new ArrayList<>();
        private final List<Outcome> outcomes = new ArrayList<>();
        private int ports = 1_000;

        Run(Gen gen) {
            this.gen = gen;
            this.net = new SimNet(loop, gen, gen.pick(0, 1_000));
            net.neverSplices();
        }

        private SimSocket[] connect() {
            int port = ports++;
            return net.connect(new InetSocketAddress("10.0.0.1", port), new InetSocketAddress("10.0.0.2", port));
        }

        private Outcome relay(Loop on, SimSocket app, SimSocket upstream) {
            Outcome outcome = new Outcome();
            SocketPeer peer = new SocketPeer(on, upstream);
            peer.start(new Relay(on, app, peer, outcome));
            return outcome;
        }

        private void beginDownload() {
            SimSocket[] near = connect();
            SimSocket[] far = connect();
            // Whichever way round: the relay calls one end its application.
            Outcome outcome = gen.bool() ? relay(hungryPod, near[1], far[0]) : relay(hungryPod, far[0], near[1]);
            Download download = new Download(near[0], far[1], outcome);
            downloads.add(download);
            download.send();
        }

        private void beginOther() {
            SimSocket[] near = connect();
            SimSocket[] far = connect();
            others.add(new SimApp(net, near[0], 1, false, 60_000, true));
            others.add(new SimApp(net, far[1], 1, true, 60_000, true));
            outcomes.add(relay(otherPod, near[1], far[0]));
        }

        private void begin(int count) {
            for (int i = 0; i < count; i++) {
                loop.outside(this::beginDownload, 0);
            }
            loop.runSeconds(10);
        }

        void check() {
            begin(DOWNLOADS);
            // Where many of them fit into the sockets' own buffers, it takes more to use up the memory.
            while (hungryPod.buffers().slack() > 0) {
                assertTrue(downloads.size() < 2 * DOWNLOADS, "there are more than there is memory for");
                begin(FURTHER);
            }
            for (int i = 0; i < OTHERS; i++) {
                loop.outside(this::beginOther, 0);
            }
            loop.runSeconds(600);
            assertTrue(loop.pool().madeBytes() <= BUFFER_BYTES_MAX);
            assertTrue(others.stream().allMatch(SimApp::isContent), others::toString);
            outcomes.forEach(outcome -> assertEquals(CloseReason.NORMAL, outcome.closed));
            downloads.forEach(download -> assertEquals(null, download.outcome.closed, "nobody was reset"));
            downloads.forEach(download -> loop.outside(() -> readOn(download), gen.intBetween(0, 1_000_000)));
            loop.runSeconds(600);
            for (Download download : downloads) {
                assertEquals(DOWNLOAD_BYTES, download.received);
                assertEquals(CloseReason.NORMAL, download.outcome.closed);
            }
            assertEquals(0, loop.pool().lentBytes());
            assertEquals(0, loop.pipePool().lent());
            assertEquals(0, loop.timers());
            assertEquals(List.of(), net.open());
        }

        private static void readOn(Download download) {
            download.reads = true;
            download.read();
        }
    }
}
