package io.culvert.agent.hbone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.certs.TestCa;
import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.sim.SimLoop;
import io.culvert.agent.sim.SimNet;
import io.culvert.agent.sim.SimSocket;
import io.culvert.testkit.Gen;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A server's transport, whose records the kernel may have, and a peer whose records the test makes. */
class HandOverTest {
    private static final TestCa CA = TestCa.root("root");
    private static final TlsMaterial CLIENT = CA.material(PoolRig.OWN, () -> TestCa.EPOCH);
    private static final TlsMaterial SERVER = CA.material(PoolRig.PEER, () -> TestCa.EPOCH);
    private final SimLoop loop = new SimLoop(16L << 20);
    private final SimNet net = new SimNet(loop, new Gen(3), 0, 100_000);
    private final SimSocket[] wire =
            net.connect(new InetSocketAddress("10.0.0.1", 50_000), new InetSocketAddress("10.0.0.2", 15_008));
    private final SimTransports transports = new SimTransports();
    private final NullEngine peer = new NullEngine(
            CLIENT, true, List.of(PoolRig.PEER), uri -> uri.equals(SERVER.id().uri()) ? SERVER : null);
    private final Told told = new Told();

    /** What the transport tells. */
    private static final class Told implements Transport.Events {
        private final ByteBuffer received = ByteBuffer.allocate(1 << 20);
        private boolean secured;
        private Transport.@Nullable Failure failure;

        @Override
        public void onSecured() {
            secured = true;
        }

        @Override
        public void onPlain(ByteBuffer in) {
            received.put(in);
        }

        @Override
        public long standingBytes() {
            return 0;
        }

        @Override
        public void onUnblocked() {}

        @Override
        public void onTransportClosed(Transport.Failure how, @Nullable Throwable cause) {
            failure = how;
        }
    }

    private Transport begin() {
        transports.know(CLIENT);
        transports.know(SERVER);
        transports.handOverAll(new Gen(3));
        wire[0].listener(() -> {});
        Transport transport = transports.server(loop, wire[1], SERVER);
        transport.start(told);
        return transport;
    }

    private ByteBuffer records(int... payloads) throws SSLException {
        ByteBuffer out = ByteBuffer.allocate(200_000);
        if (peer.getHandshakeStatus() == SSLEngineResult.HandshakeStatus.NEED_WRAP) {
            peer.wrap(ByteBuffer.allocate(0), out);
        }
        for (int length : payloads) {
            if (length == 0) {
                // A record that says nothing, such as a change of keys.
                out.put((byte) 2).putInt(0);
            } else {
                peer.wrap(ByteBuffer.allocate(length), out);
            }
        }
        return out.flip();
    }

    private void send(ByteBuffer bytes) {
        wire[0].write(bytes);
        loop.run(TimeUnit.MILLISECONDS.toNanos(10));
    }

    @Test
    void happensAtOnce_whenNothingFollowsTheHandshake() throws SSLException {
        Transport transport = begin();
        send(records());
        assertTrue(told.secured);
        assertEquals(1, transports.handedOver());
        send(records(10_000, 1));
        assertEquals(10_001, told.received.position());
        transport.close();
        loop.runSeconds(3);
    }

    @Test
    void countsRecords_thatCameRightBehindTheHandshake() throws SSLException {
        ByteBuffer all = records(100, 16_384, 7);
        all.limit(all.limit() - 3);
        send(all);
        Transport transport = begin();
        loop.run(TimeUnit.MILLISECONDS.toNanos(10));
        assertTrue(told.secured);
        assertEquals(0, transports.handedOver(), "half a record is with the library");
        assertEquals(16_484, told.received.position());
        all.limit(all.limit() + 3);
        send(all);
        assertEquals(1, transports.handedOver());
        assertEquals(16_491, told.received.position());
        send(records(5_000));
        assertEquals(21_491, told.received.position());
        transport.close();
        loop.runSeconds(3);
    }

    @Test
    void recordBehindTheHandshakeThatSaysNothing_leavesTheLibraryInPlace() throws SSLException {
        Transport transport = begin();
        send(records(0));
        assertTrue(told.secured);
        assertEquals(0, transports.handedOver());
        send(records(300, 20));
        assertEquals(320, told.received.position());
        assertEquals(0, transports.handedOver());
        transport.close();
        loop.runSeconds(3);
    }

    @Test
    void takesTheEndOfAPeer_thatClosesAtOnce() throws SSLException {
        Transport _ = begin();
        peer.wrap(ByteBuffer.allocate(0), ByteBuffer.allocate(20_000));
        wire[0].close();
        loop.runSeconds(3);
        assertEquals(Transport.Failure.CLOSED_BY_PEER, told.failure);
        assertEquals(RelaySocket.BROKEN, wire[0].read(ByteBuffer.allocate(1)));
    }
}
