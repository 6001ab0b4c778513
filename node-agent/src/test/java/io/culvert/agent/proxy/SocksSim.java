package io.culvert.agent.proxy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.certs.TestCa;
import io.culvert.agent.config.Knob;
import io.culvert.agent.hbone.SimTransports;
import io.culvert.agent.mesh.Records;
import io.culvert.agent.relay.Dialer;
import io.culvert.agent.relay.RelaySocket;
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
import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Clients in the pod that say by SOCKS where they are going, on a network that cuts what they say in pieces. */
class SocksSim {
    private static final Metrics METRICS = new Metrics("", BuildVersion.current());
    private static final Workload CLIENT =
            Records.pod("client", "10.0.0.1").hbone().node("node-a").build();
    private static final String GREETING = "050100";
    private static final String TO_LEGACY = "05010001" + "0a000003" + "1f90";
    private static final String CONNECTED = "0500" + "05000001000000000000";

    /** One client, and whoever it is connected to. */
    private static final class Run {
        private final SimLoop loop = new SimLoop(false);
        private final SimNet net;
        private final SimNode node;
        private final SimSocket client;
        private final ByteArrayOutputStream heard = new ByteArrayOutputStream();
        private final ByteArrayOutputStream arrived = new ByteArrayOutputStream();
        private final List<String> dialled = new ArrayList<>();
        private final List<String> errors = new ArrayList<>();
        private boolean ended;
        private boolean broken;
        private @Nullable SimSocket server;

        Run(Gen gen) {
            // A kernel's buffers hold all that is said here.
            net = new SimNet(loop, gen, gen.pick(0, 1_000, 1_000_000), 200);
            node = new SimNode(
                    loop,
                    TestConfig.with(Map.of(Knob.ENABLE_SOCKS5, "true")),
                    METRICS,
                    new SimTransports(),
                    this::dial,
                    CLIENT,
                    () -> TestCa.EPOCH);
            node.publish(List.of(CLIENT), List.of());
            node.resolved.put("legacy.example", IpAddress.parse("10.0.0.3"));
            InetAddress loopback = InetAddress.ofLiteral("127.0.0.1");
            SimSocket[] pair =
                    net.connect(new InetSocketAddress(loopback, 50_000), new InetSocketAddress(loopback, 15_080));
            client = pair[0];
            client.listener(this::listen);
            loop.outside(() -> OutboundConnection.acceptSocks(node.podLoop, pair[1]), 0);
        }

        private Runnable dial(IpPort target, @Nullable IpAddress source, Dialer.Listener listener) {
            dialled.add(target.toString());
            loop.outside(
                    () -> {
                        SimSocket[] pair = net.connect(
                                new InetSocketAddress("10.0.0.1", 60_000), new InetSocketAddress("10.0.0.3", 8_080));
                        SimSocket far = pair[1];
                        server = far;
                        far.listener(() -> read(far, arrived));
                        listener.onConnected(pair[0]);
                    },
                    TimeUnit.MILLISECONDS.toNanos(3));
            return () -> {};
        }

        private void listen() {
            int end = read(client, heard);
            ended |= end == RelaySocket.END;
            broken |= end == RelaySocket.BROKEN;
        }

        private static int read(SimSocket socket, ByteArrayOutputStream to) {
            ByteBuffer into = ByteBuffer.allocate(500);
            int count = 0;
            while (!socket.isClosed() && socket.isReadable()) {
                count = socket.read(into.clear());
                if (count > 0) {
                    to.write(into.array(), 0, count);
                }
            }
            return count;
        }

        void say(byte[] bytes) {
            loop.outside(
                    () -> {
                        int written = client.write(ByteBuffer.wrap(bytes));
                        assertEquals(bytes.length, written);
                    },
                    0);
            loop.runSeconds(1);
        }

        void say(String hex) {
            say(HexFormat.of().parseHex(hex));
        }

        String heard() {
            return HexFormat.of().formatHex(heard.toByteArray());
        }

        /** Ends it, and sees that nothing is left. */
        void end() {
            node.podLoop.close(CloseReason.POD_REMOVED, null);
            client.close();
            SimSocket far = server;
            if (far != null) {
                far.close();
            }
            loop.runSeconds(30);
            assertEquals(List.of(), net.open());
            assertEquals(0, node.pod.connections());
            assertEquals(0, loop.pool().lentBytes());
        }
    }

    private interface Story {
        void tell(Run run, Gen gen);
    }

    private static void many(Story story) {
        Gen.forAll(300, gen -> {
            Run run = new Run(gen);
            try (LogCapture _ = LogCapture.of("access", (message, fields) -> {
                String error = fields.get("error");
                if (error != null) {
                    run.errors.add(error);
                }
            })) {
                story.tell(run, gen);
                run.end();
            } finally {
                run.loop.abandonBuffers();
            }
        });
    }

    private static byte[] joined(byte[] first, byte[] second) {
        byte[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }

    @Test
    void whatIsSentBehindTheRequestAtOnce_isTheDestinations() {
        many((run, gen) -> {
            byte[] early = gen.bytes(60);
            byte[] request = HexFormat.of().parseHex(GREETING + TO_LEGACY);
            run.say(joined(request, early));
            assertEquals(CONNECTED, run.heard());
            assertEquals(List.of("10.0.0.3:8080"), run.dialled);
            assertArrayEquals(early, run.arrived.toByteArray());
        });
    }

    @Test
    void nameIsResolved_andThenDialled() {
        many((run, gen) -> {
            byte[] name = "legacy.example".getBytes(StandardCharsets.US_ASCII);
            run.say(GREETING);
            assertEquals("0500", run.heard());
            run.say("05010003" + "0e" + HexFormat.of().formatHex(name) + "1f90");
            assertEquals(CONNECTED, run.heard());
            assertEquals(List.of("10.0.0.3:8080"), run.dialled);
        });
    }

    @Test
    void nameThatNobodyKnows_isAnsweredSo_inGoodOrder() {
        many((run, gen) -> {
            run.say(GREETING + "05010003" + "02" + "6161" + "1f90");
            assertEquals("0500" + "05040001000000000000", run.heard());
            assertTrue(run.ended && !run.broken);
            assertEquals(List.of("no healthy upstream: cannot resolve aa: nobody knows it"), run.errors);
        });
    }

    @Test
    void whatIsNoRequest_isAnsweredSo_inGoodOrder() {
        many((run, gen) -> {
            run.say("GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            assertEquals("05070001000000000000", run.heard());
            assertEquals(List.of("malformed request: it does not speak SOCKS version 5"), run.errors);
        });
        many((run, gen) -> {
            run.say("050102");
            assertEquals("05ff", run.heard());
            assertTrue(run.ended && !run.broken);
        });
    }

    @Test
    void portOfTheAgentItself_isNotAllowed() {
        many((run, gen) -> {
            run.say(GREETING + "05010001" + "7f000001" + gen.pick("3a99", "3a9e", "3aa0", "3ae8"));
            assertEquals("0500" + "05020001000000000000", run.heard());
            assertEquals(List.of(), run.dialled);
        });
    }

    @Test
    void clientThatSaysNothing_isGivenUp_afterTheTimeOfAHandshake() {
        many((run, gen) -> {
            if (gen.bool()) {
                run.say(GREETING);
            }
            run.loop.runSeconds(8);
            assertEquals(1, run.node.pod.connections());
            run.loop.runSeconds(3);
            assertEquals(0, run.node.pod.connections());
            assertTrue(run.heard().endsWith("05010001000000000000"));
            assertEquals(List.of("malformed request: its SOCKS request did not arrive in time"), run.errors);
        });
    }

    @Test
    void clientThatEndsOrBreaksInBetween_leavesNothing() {
        many((run, gen) -> {
            run.say(GREETING + TO_LEGACY.substring(0, 2 * gen.intBetween(0, 9)));
            boolean breaks = gen.bool();
            run.loop.outside(
                    () -> {
                        if (breaks) {
                            run.client.abort();
                        } else {
                            run.client.shutdownWrite();
                        }
                    },
                    0);
            run.loop.runSeconds(1);
            assertEquals(0, run.node.pod.connections());
            assertEquals(1, run.errors.size());
        });
    }
}
