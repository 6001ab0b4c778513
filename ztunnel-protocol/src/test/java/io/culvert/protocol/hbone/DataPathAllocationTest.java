package io.culvert.protocol.hbone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.culvert.protocol.hbone.frame.AbuseKind;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The steady state of a stream, both directions with credit returned, allocates nothing per frame. */
class DataPathAllocationTest {
    private static final int FRAMES = 100_000;
    private static final int PAYLOAD = 256;
    /** What the measurement itself, and a late compilation, may cost: far less than an octet per frame. */
    private static final long NOISE_BYTES = 16_384;

    /** Counts and consumes. */
    private static final class Counter implements HboneListener {
        private @Nullable HboneSession session;
        private long bytes;
        private long waits;

        @Override
        public void onConnect(HboneStream s, ConnectRequest r) {
            session().accept(s, null);
        }

        @Override
        public void onData(HboneStream s, ByteBuffer in, int length) {
            bytes += in.get(in.position()) == 7 ? length : 0;
            session().consumed(s, length);
        }

        @Override
        public void onEnd(HboneStream s) {}

        @Override
        public void onReset(HboneStream s, int code) {}

        @Override
        public void onSendable(HboneStream s) {
            waits++;
        }

        @Override
        public void onConnectionError(int code, String detail, @Nullable AbuseKind kind) {}

        private HboneSession session() {
            if (session == null) {
                throw new IllegalStateException();
            }
            return session;
        }
    }

    private final Counter clientSide = new Counter();
    private final Counter serverSide = new Counter();
    private final HboneSession client = HboneSession.client(HboneSettings.forClient(), clientSide);
    private final HboneSession server =
            HboneSession.server(HboneSettings.forServer().withWindows(PAYLOAD * 3, 65_535), serverSide);
    private final ByteBuffer wire = ByteBuffer.allocateDirect(64 << 10);

    private void deliver(HboneSession from, HboneSession to) {
        wire.clear();
        from.drainOutput(wire);
        to.receive(wire.flip(), 0);
    }

    private void frames(HboneStream s, int count) {
        for (int i = 0; i < count; ) {
            wire.clear();
            client.drainOutput(wire);
            while (i < count && client.sendable(s) >= PAYLOAD) {
                client.dataHeader(s, PAYLOAD, false, wire);
                wire.put((byte) 7).position(wire.position() + PAYLOAD - 1);
                i++;
            }
            server.receive(wire.flip(), i);
            deliver(server, client);
        }
    }

    @Test
    void allocatesNothingPerDataFrame() throws ConnectRefusedException {
        clientSide.session = client;
        serverSide.session = server;
        HboneStream s = client.connect(ConnectRequest.to(new ConnectTarget.HostTarget("a", 1)));
        for (int i = 0; i < 3; i++) {
            deliver(client, server);
            deliver(server, client);
        }
        assertTrue(s.isConnected());
        frames(s, FRAMES / 2);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        frames(s, FRAMES);
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        assertFalse(client.isFailed() || server.isFailed());
        assertEquals((long) PAYLOAD * (FRAMES + FRAMES / 2), serverSide.bytes);
        assertTrue(clientSide.waits > FRAMES / 10, "credit never ran out");
        assertTrue(allocated < NOISE_BYTES, allocated + " octets for " + FRAMES + " frames");
    }
}
