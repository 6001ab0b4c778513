package io.culvert.agent.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.culvert.agent.base.Loop;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What a loop allocates on the heap per read that it relays, counted by the JVM for that thread.
 *
 * <p>Between two sockets it is nothing. Through a tunnel it is one {@link javax.net.ssl.SSLEngineResult} of 32 bytes per
 * record and end, which the engine's interface demands and the compiler does not remove; everything else is nothing too.
 */
@Timeout(120)
class RelayAllocationTest {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final int WARM_UP_EXCHANGES = 30_000;
    private static final int EXCHANGES = 20_000;
    private static final long WARM_UP_BYTES = 1L << 30;
    private static final long BYTES = 512L << 20;

    /** Far less than one object per read: room for what the JVM itself does now and then on the thread. */
    private static final double NOTHING = 0.5;

    /** The engine's answers to one wrap and to one unwrap, since both ends of the tunnel are on the loop. */
    private static final double TWO_RESULTS = 2 * 32;
    /** Window updates, records that are not full. */
    private static final double SLACK = 24;

    private static final int RECORD_BYTES = 16 * 1024;

    private static long allocated(RealNet net) {
        return net.on(
                net.loop(0),
                () -> THREADS.getThreadAllocatedBytes(Thread.currentThread().threadId()));
    }

    /** What measuring itself costs, so that it can be taken off. */
    private static long ofMeasuring(RealNet net) {
        long first = allocated(net);
        return allocated(net) - first;
    }

    private record Rig(RealNet net, RelayPath path, App client, App server) implements AutoCloseable {
        static Rig of(RealNet net, RelayPath path) throws IOException {
            try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
                RealNet.Accepted accepted = net.connect(0);
                List<Outcome> _ = path.relay(accepted.fd(), new IpPort(IpAddress.V4_LOOPBACK, listener.getLocalPort()));
                return new Rig(net, path, new App(accepted.app()), new App(listener.accept()));
            }
        }

        private void exchange(int times) throws IOException {
            String payload = "x".repeat(256);
            for (int i = 0; i < times; i++) {
                client.send(payload);
                assertEquals(payload.length(), server.read(payload.length()).length());
                server.send(payload);
                assertEquals(payload.length(), client.read(payload.length()).length());
            }
        }

        private void stream(long bytes) {
            CompletableFuture<Boolean> read = App.beside(() -> server.skip(bytes));
            assertTrue(RealNet.await(App.beside(() -> client.pour(bytes))));
            assertTrue(RealNet.await(read));
        }

        /** Bytes allocated per relayed read of small messages, both directions counted. */
        double perSmallRead() throws IOException {
            exchange(WARM_UP_EXCHANGES);
            long cost = ofMeasuring(net);
            long before = allocated(net);
            exchange(EXCHANGES);
            return (allocated(net) - before - cost) / (2.0 * EXCHANGES);
        }

        /** Bytes allocated while a stream runs as fast as it can. */
        private long whileStreaming() {
            stream(WARM_UP_BYTES);
            long cost = ofMeasuring(net);
            long before = allocated(net);
            stream(BYTES);
            return allocated(net) - before - cost;
        }

        /** Reads are no larger than one read's worth, so that there were at least as many. */
        double perBulkRead() {
            return (double) whileStreaming() / (BYTES / Loop.READ_BYTES_MAX);
        }

        double perBulkRecord() {
            return (double) whileStreaming() / (BYTES / RECORD_BYTES);
        }

        @Override
        public void close() {
            client.close();
            server.close();
            path.close();
        }
    }

    @Test
    void allocatesNothingPerRead_betweenSockets() throws IOException {
        try (RealNet net = new RealNet(1);
                Rig rig = Rig.of(net, new SocketPath(net))) {
            double small = rig.perSmallRead();
            double bulk = rig.perBulkRead();
            assertTrue(small < NOTHING, () -> small + " bytes per small read");
            assertTrue(bulk < NOTHING, () -> bulk + " bytes per read");
        }
    }

    @Test
    void allocatesLittlePerRead_throughATunnel() throws IOException {
        try (RealNet net = new RealNet(1);
                Rig rig = Rig.of(net, new TunnelPath(net, net.loop(0), net.loop(0)))) {
            double small = rig.perSmallRead();
            double bulk = rig.perBulkRecord();
            assertTrue(small < TWO_RESULTS + SLACK, () -> small + " bytes per small read");
            assertTrue(bulk < TWO_RESULTS + SLACK, () -> bulk + " bytes per record");
        }
    }
}
