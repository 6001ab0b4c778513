package io.culvert.systemtests.badinput;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.systemtests.lab.AgentProcess;
import io.culvert.systemtests.lab.MeshLab;
import io.culvert.systemtests.lab.MeshYaml;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.NetProbe;
import io.culvert.testkit.Netns;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * One lab for all tests of bad input, with bystanders who must be unharmed after each of them, and the agents unburdened.
 *
 * <pre>
 *   node one: client         node two: server and victim (attacked), neighbour         outside the mesh: legacy, evil, away
 *   bystanders: client -> server (tunnel), legacy -> server (plaintext), server -> neighbour (the attacked pod's own)
 * </pre>
 */
final class BadInputLab implements BeforeAllCallback, BeforeEachCallback, AfterEachCallback, AfterAllCallback {
    /** The agents' handshake timeout; a PING goes unanswered for as long, one second after the last. */
    static final Duration HANDSHAKE = Duration.ofSeconds(3);

    static final Duration PING = Duration.ofSeconds(4);
    static final int HBONE = 15_008;
    static final int PLAINTEXT = 15_006;
    static final int OUTBOUND = 15_001;
    static final int METRICS = 15_020;
    static final int ECHO = 7000;
    /** An application that accepts and never reads. */
    static final int DEAF = 7001;
    /** An application that sends and sends. */
    static final int LOUD = 7002;
    /** A port whose connections are neither accepted nor refused. */
    static final int SILENT = 7003;

    static final int TUNNELS_MAX = 48;
    static final int CONNECTIONS_MAX = 400;
    static final int STREAMS_MAX = 20;
    static final int STREAM_WINDOW = 65_535;
    static final int CONNECTION_WINDOW = 262_144;

    private static final long RESIDENT_BYTES_MAX = 420L << 20;
    /** Connections that happen to be open when one looks. */
    private static final int SOCKETS_MORE_MAX = 6;

    private static final Duration SOCKETS_BACK_MAX = Duration.ofSeconds(10);
    private static final int QUIET_SAMPLES = 40;
    private static final long QUIET_PAUSE_NANOS = Duration.ofMillis(25).toNanos();
    private static final Duration PROGRESS_MAX = Duration.ofSeconds(5);
    private static final ExtensionContext.Namespace SPACE = ExtensionContext.Namespace.create(BadInputLab.class);

    private @Nullable Running running;

    /** What lives as long as the test run. */
    private static final class Running implements AutoCloseable {
        final MeshLab lab;
        final TestCa ca;
        final List<Bystander> bystanders = new ArrayList<>();
        final Map<AgentProcess, Integer> quiet = new HashMap<>();

        Running() {
            lab = MeshLab.builder()
                    .pod("client", "one")
                    .pod("server", "two")
                    .pod("neighbour", "two")
                    .pod("victim", "two")
                    .legacyPod("legacy", "two")
                    .outside("evil")
                    .outside("away")
                    .flags(
                            "--log=info,access=warn",
                            "--handshake-timeout=" + HANDSHAKE.toMillis() + "ms",
                            "--ping-interval=1s",
                            "--ping-timeout=" + (PING.toMillis() - 1_000) + "ms",
                            "--connect-timeout=3s",
                            "--connect-response-timeout=3s",
                            "--max-tunnels=" + TUNNELS_MAX,
                            "--max-connections=" + CONNECTIONS_MAX,
                            "--max-streams=" + STREAMS_MAX,
                            "--http2-stream-window-size=" + STREAM_WINDOW,
                            "--http2-connection-window-size=" + CONNECTION_WINDOW,
                            "--http2-frame-size=16384")
                    .start();
            ca = TestCa.ofDirectory(lab.caFolder());
            for (String pod : List.of("server", "neighbour", "victim")) {
                NetProbe.serve(lab.net(), lab.ns(pod), ECHO, "echo");
            }
            for (String pod : List.of("server", "victim", "away")) {
                NetProbe.serve(lab.net(), lab.ns(pod), DEAF, "sleep:600000");
            }
            NetProbe.serve(lab.net(), lab.ns("server"), LOUD, "send:100000000000");
            lab.net()
                    .exec(
                            lab.ns("server"),
                            "iptables",
                            "-I",
                            "INPUT",
                            "-p",
                            "tcp",
                            "--dport",
                            "" + SILENT,
                            "-j",
                            "DROP")
                    .expectOk();
            lab.apply(lab.mesh().uncaptured(lab.ns("evil"), "protocol: HBONE"));
            watch("tunnelled", "client", "server");
            watch("plaintext", "legacy", "server");
            watch("outbound of the attacked pod", "server", "neighbour");
            bystanders.forEach(one -> awaitProgress(one, new long[] {0, 0}));
            for (int i = 0; i < QUIET_SAMPLES; i++) {
                LockSupport.parkNanos(QUIET_PAUSE_NANOS);
                lab.agents().forEach(agent -> quiet.merge(agent, agent.sockets(), Math::max));
            }
        }

        /** The bystanders' connections come and go, and nothing else may stay. */
        void verify() {
            lab.expectNoTrouble();
            for (AgentProcess agent : lab.agents()) {
                int most = quiet.getOrDefault(agent, 0) + SOCKETS_MORE_MAX;
                Eventually.holds(
                        "at most " + most + " sockets are open on "
                                + agent.node().name(),
                        SOCKETS_BACK_MAX,
                        () -> agent.sockets() <= most);
                assertTrue(
                        agent.residentBytes() < RESIDENT_BYTES_MAX,
                        () -> agent.node().name() + " holds " + (agent.residentBytes() >> 20) + " MiB");
            }
        }

        private void watch(String name, String from, String to) {
            bystanders.add(Bystander.start(name, lab.ns(from), lab.ns(to).ipv4(), ECHO));
        }

        @Override
        public void close() {
            bystanders.forEach(Bystander::close);
            lab.close();
        }
    }

    private static void awaitProgress(Bystander bystander, long[] since) {
        Eventually.holds("the bystander goes on: " + bystander, PROGRESS_MAX, () -> {
            List<String> harm = bystander.harm();
            assertEquals(List.of(), harm);
            long[] now = bystander.progress();
            return now[0] > since[0] && now[1] > since[1];
        });
    }

    private Running running() {
        Running started = running;
        if (started == null) {
            throw new IllegalStateException("the lab runs while tests run");
        }
        return started;
    }

    @Override
    public void beforeAll(ExtensionContext context) {
        running =
                context.getRoot().getStore(SPACE).computeIfAbsent(Running.class, none -> new Running(), Running.class);
        running().bystanders.forEach(one -> one.rest(false));
    }

    /** Other tests have the machine for themselves. */
    @Override
    public void afterAll(ExtensionContext context) {
        Running started = running;
        if (started != null) {
            started.bystanders.forEach(one -> one.rest(true));
        }
    }

    @Override
    public void beforeEach(ExtensionContext context) {
        assertUnharmed();
    }

    @Override
    public void afterEach(ExtensionContext context) {
        if (context.getExecutionException().isPresent()) {
            running().lab.printLogs();
            return;
        }
        try {
            assertUnharmed();
            running().verify();
        } catch (AssertionError e) {
            running().lab.printLogs();
            throw e;
        }
    }

    /** Demands that every bystander is unharmed, and goes on. */
    void assertUnharmed() {
        List<String> harm = new ArrayList<>();
        running().bystanders.forEach(one -> harm.addAll(one.harm()));
        assertEquals(List.of(), harm, "harm to bystanders");
        for (Bystander one : running().bystanders) {
            awaitProgress(one, one.progress());
        }
    }

    Netns ns(String name) {
        return running().lab.ns(name);
    }

    /** The attacked pod. */
    InetAddress server() {
        return ns("server").ipv4();
    }

    MeshLab mesh() {
        return running().lab;
    }

    /** The agent under attack. */
    AgentProcess agent() {
        return running().lab.agent("two");
    }

    /** The agent of the client that talks to hostile servers. */
    AgentProcess clientAgent() {
        return running().lab.agent("one");
    }

    TestCa ca() {
        return running().ca;
    }

    Tally tally() {
        return Tally.of(agent());
    }

    /** A good identity of the mesh. */
    TestCa.Identity good() {
        return ca().identity(MeshYaml.idOf("client"));
    }

    /** A peer from outside that has completed TLS as it looks. */
    HostilePeer peer(TlsSession.Look look) throws IOException {
        return HostilePeer.dial(ns("legacy"), server(), look);
    }

    /** A peer from outside that has completed TLS under a good identity. */
    HostilePeer peer() throws IOException {
        return peer(TlsSession.Look.of(good()));
    }

    /** An address in the server pod with a port. */
    String authority(int port) {
        return server().getHostAddress() + ":" + port;
    }

    /** A peer whose HTTP/2 connection stands. */
    HostilePeer greeted() throws IOException {
        return peer().greet();
    }

    /** Demands that an honest request of this peer is served. */
    void assertServes(HostilePeer peer) throws IOException {
        assertEquals(200, peer.connect(authority(ECHO)), "an honest request in the same tunnel");
    }
}
