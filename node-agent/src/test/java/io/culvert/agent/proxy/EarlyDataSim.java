package io.culvert.agent.proxy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.certs.TestCa;
import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.config.AgentConfig;
import io.culvert.agent.config.Knob;
import io.culvert.agent.hbone.SimTransports;
import io.culvert.agent.hbone.Transport;
import io.culvert.agent.mesh.Records;
import io.culvert.agent.relay.Dialer;
import io.culvert.agent.relay.RelaySocket;
import io.culvert.agent.sim.SimLoop;
import io.culvert.agent.sim.SimNet;
import io.culvert.agent.sim.SimSocket;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.agent.telemetry.log.LogCapture;
import io.culvert.protocol.hbone.ConnectRefusedException;
import io.culvert.protocol.hbone.ConnectRequest;
import io.culvert.protocol.hbone.ConnectResponse;
import io.culvert.protocol.hbone.ConnectTarget;
import io.culvert.protocol.hbone.HboneListener;
import io.culvert.protocol.hbone.HboneSession;
import io.culvert.protocol.hbone.HboneSettings;
import io.culvert.protocol.hbone.HboneStream;
import io.culvert.protocol.hbone.frame.AbuseKind;
import io.culvert.protocol.hbone.frame.FrameHeader;
import io.culvert.protocol.hbone.frame.Http2Code;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.workload.Workload;
import io.culvert.testkit.Gen;
import java.io.ByteArrayOutputStream;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * A peer that sends DATA right behind its CONNECT, before it can know whether it is let in: what is allowed arrives whole and
 * in order, what is denied reaches nobody, and more than the first window ends its stream alone.
 */
class EarlyDataSim {
    private static final int CASES = 1_500;
    private static final int DENIED_PORT = 8_001;
    /** What a peer may send before it has read anything of us. Source: RFC 9113 section 6.9.2. */
    private static final int FIRST_WINDOW_BYTES = 65_535;

    private static final Metrics METRICS = new Metrics("", BuildVersion.current());
    private static final Workload CLIENT =
            Records.pod("client", "10.0.0.1").hbone().node("node-a").build();
    private static final Workload SERVER =
            Records.pod("server", "10.0.0.2").hbone().node("node-b").build();
    private static final Policy DENIED = Records.denyPorts("shop/deny", List.of(DENIED_PORT));
    private static final TestCa CA = TestCa.root("root");
    private static final TlsMaterial CLIENT_MATERIAL = CA.material(CLIENT.identity(), () -> TestCa.EPOCH);
    private static final TlsMaterial SERVER_MATERIAL = CA.material(SERVER.identity(), () -> TestCa.EPOCH);
    private static final AgentConfig CONFIG = TestConfig.with(Map.of(
            Knob.HTTP2_STREAM_WINDOW_SIZE,
            "" + FIRST_WINDOW_BYTES,
            // Some of these networks take longer for the early data than a PING may wait behind it.
            Knob.PING_INTERVAL,
            "1h"));

    @Test
    void carriesEarlyData_onlyWhereItMayGo() {
        Gen.forAll(CASES, gen -> {
            Run run = new Run(gen);
            try (LogCapture _ = LogCapture.of("access", (message, fields) -> {})) {
                run.check();
            } finally {
                run.loop.abandonBuffers();
            }
        });
    }

    /** One stream as its peer sees it. */
    private static final class Asked {
        private final boolean denied;
        private final byte[] early;
        private final boolean endsAtOnce;
        private final ByteArrayOutputStream received = new ByteArrayOutputStream();
        private int status;
        private int resetCode = -1;
        private boolean ended;
        private @Nullable SimSocket app;

        Asked(boolean denied, byte[] early, boolean endsAtOnce) {
            this.denied = denied;
            this.early = early;
            this.endsAtOnce = endsAtOnce;
        }

        /** It passed its first window, and was told so. */
        boolean wasTooMuch() {
            return early.length > FIRST_WINDOW_BYTES && resetCode == Http2Code.FLOW_CONTROL_ERROR;
        }

        @Override
        public String toString() {
            return (denied ? "denied" : "allowed") + " early " + early.length + " status " + status + " reset "
                    + resetCode + " app got " + received.size();
        }
    }

    private static final class Run implements Transport.Events, HboneListener, Dialer {
        private final Gen gen;
        private final SimLoop loop = new SimLoop(false);
        private final SimNet net;
        private final SimTransports transports = new SimTransports();
        private final SimNode far;
        private final HboneSession session = HboneSession.client(HboneSettings.forClient(), this);
        private final Transport transport;
        private final List<Asked> asked = new ArrayList<>();
        private final Map<HboneStream, Asked> byStream = new HashMap<>();
        private final ArrayDeque<ByteBuffer> unsent = new ArrayDeque<>();
        private int dialled;

        Run(Gen gen) {
            this.gen = gen;
            this.net = new SimNet(loop, gen, gen.pick(0, 1_000, 1_000_000));
            this.far = new SimNode(loop, CONFIG, METRICS, transports, this, SERVER, () -> TestCa.EPOCH);
            transports.know(CLIENT_MATERIAL);
            transports.know(SERVER_MATERIAL);
            far.certificates.put(SERVER_MATERIAL);
            long known = gen.bool() ? 0 : upTo(3_000);
            loop.outside(() -> far.publish(List.of(CLIENT, SERVER), List.of(DENIED)), known);
            SimSocket[] pair =
                    net.connect(new InetSocketAddress("10.0.0.1", 50_000), new InetSocketAddress("10.0.0.2", 15_008));
            InboundTunnel.accept(far.podLoop, pair[1]);
            transport = transports.client(loop, pair[0], CLIENT_MATERIAL, List.of(SERVER.identity()));
            transport.start(this);
        }

        private long upTo(int millis) {
            return TimeUnit.MILLISECONDS.toNanos(gen.intBetween(0, millis));
        }

        void check() {
            loop.runSeconds(60);
            for (Asked one : asked) {
                assertOutcome(one);
            }
            assertTrue(!asked.isEmpty());
            transports.assertCreditReturned();
            far.podLoop.close(CloseReason.POD_REMOVED, null);
            transport.close();
            loop.runSeconds(60);
            assertEquals(0, loop.pool().lentBytes());
            assertEquals(List.of(), net.open());
            assertEquals(0, far.pod.connections());
            transports.assertEnginesReleased();
        }

        private void assertOutcome(Asked one) {
            if (one.denied) {
                assertTrue(one.app == null && one.received.size() == 0, one::toString);
                assertTrue(one.status == 401 || one.wasTooMuch(), one::toString);
            } else if (one.wasTooMuch()) {
                byte[] got = one.received.toByteArray();
                assertEquals(ByteBuffer.wrap(one.early, 0, got.length), ByteBuffer.wrap(got), one::toString);
                assertTrue(!one.ended, "an end would pass for all of it");
            } else {
                assertEquals(200, one.status, one::toString);
                assertEquals(ByteBuffer.wrap(one.early), ByteBuffer.wrap(one.received.toByteArray()), one::toString);
                assertEquals(one.endsAtOnce, one.ended, one::toString);
            }
        }

        // ---- the peer -----------------------------------------------------------------------------------------------

        @Override
        public void onSecured() {
            int streams = gen.intBetween(1, 5);
            for (int i = 0; i < streams; i++) {
                byte[] early = new byte[gen.oneIn(6) ? FIRST_WINDOW_BYTES + gen.intBetween(-2, 2) : gen.size(40_000)];
                for (int at = 0; at < early.length; at++) {
                    early[at] = (byte) (i + at * 31 + (at >>> 8));
                }
                ask(new Asked(gen.oneIn(3), early, gen.bool()), i);
            }
        }

        private void ask(Asked one, int number) {
            asked.add(one);
            int port = one.denied ? DENIED_PORT : 9_000 + number;
            try {
                HboneStream stream = session.connect(
                        ConnectRequest.to(new ConnectTarget.IpTarget(IpAddress.parse("10.0.0.2"), port)));
                byStream.put(stream, one);
                flush();
                for (int from = 0; from < one.early.length; ) {
                    int count = Math.min(one.early.length - from, gen.intBetween(1, 16_000));
                    boolean last = from + count == one.early.length;
                    data(stream, one.early, from, count, last && one.endsAtOnce);
                    from += count;
                }
                if (one.early.length == 0 && one.endsAtOnce) {
                    data(stream, one.early, 0, 0, true);
                }
            } catch (ConnectRefusedException e) {
                throw new AssertionError(e);
            }
        }

        private void data(HboneStream stream, byte[] bytes, int from, int count, boolean end) {
            ByteBuffer frame = ByteBuffer.allocateDirect(FrameHeader.BYTES + count);
            FrameHeader.write(frame, count, FrameHeader.DATA, end ? FrameHeader.FLAG_END_STREAM : 0, stream.id());
            send(frame.put(bytes, from, count).flip());
        }

        /** In order, and nothing while the transport is blocked, as its contract demands. */
        private void send(ByteBuffer bytes) {
            unsent.addLast(bytes);
            onUnblocked();
        }

        private void flush() {
            ByteBuffer out = ByteBuffer.allocateDirect(session.pendingOutput());
            session.drainOutput(out);
            send(out.flip());
        }

        @Override
        public void onPlain(ByteBuffer in) {
            session.receive(in, loop.nanoTime());
            flush();
        }

        @Override
        public long standingBytes() {
            return 0;
        }

        @Override
        public void onUnblocked() {
            while (!unsent.isEmpty() && !transport.isBlocked() && !transport.isClosed()) {
                transport.write(unsent.removeFirst(), loop.buffers()::borrowForTunnel);
            }
        }

        @Override
        public void onTransportClosed(Transport.Failure failure, @Nullable Throwable cause) {}

        private Asked of(HboneStream stream) {
            Asked one = byStream.get(stream);
            if (one == null) {
                throw new AssertionError();
            }
            return one;
        }

        @Override
        public void onResponse(HboneStream stream, ConnectResponse response) {
            of(stream).status = response.status();
        }

        @Override
        public void onData(HboneStream stream, ByteBuffer in, int length) {
            throw new AssertionError("the application says nothing");
        }

        @Override
        public void onEnd(HboneStream stream) {}

        @Override
        public void onReset(HboneStream stream, int code) {
            of(stream).resetCode = code;
        }

        @Override
        public void onSendable(HboneStream stream) {}

        @Override
        public void onConnectionError(int code, String detail, @Nullable AbuseKind kind) {
            throw new AssertionError(detail);
        }

        // ---- the application ----------------------------------------------------------------------------------------

        @Override
        public Runnable dial(IpPort target, @Nullable IpAddress source, Listener listener) {
            assertTrue(target.port() != DENIED_PORT, "what is denied is not even dialled");
            Asked one = asked.get(target.port() - 9_000);
            dialled++;
            boolean[] over = new boolean[1];
            loop.outside(
                    () -> {
                        if (!over[0]) {
                            over[0] = true;
                            SimSocket[] pair = net.connect(
                                    new InetSocketAddress("10.0.0.1", 60_000 + dialled),
                                    new InetSocketAddress("10.0.0.2", target.port()));
                            one.app = pair[1];
                            pair[1].listener(() -> read(one, pair[1]));
                            listener.onConnected(pair[0]);
                        }
                    },
                    gen.bool() ? 0 : upTo(500));
            return () -> over[0] = true;
        }

        private static void read(Asked one, SimSocket socket) {
            ByteBuffer into = ByteBuffer.allocate(5_000);
            while (!socket.isClosed() && socket.isReadable()) {
                int count = socket.read(into.clear());
                if (count > 0) {
                    one.received.write(into.array(), 0, count);
                } else if (count == RelaySocket.END) {
                    one.ended = true;
                    socket.close();
                } else if (count == RelaySocket.BROKEN) {
                    socket.abort();
                }
            }
        }
    }
}
