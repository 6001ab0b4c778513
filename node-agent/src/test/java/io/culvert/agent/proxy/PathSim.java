package io.culvert.agent.proxy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.certs.TestCa;
import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.config.AgentConfig;
import io.culvert.agent.config.HboneConfig;
import io.culvert.agent.config.LimitConfig;
import io.culvert.agent.config.ProxyConfig;
import io.culvert.agent.hbone.SimTransports;
import io.culvert.agent.mesh.Records;
import io.culvert.agent.relay.Dialer;
import io.culvert.agent.sim.SimApp;
import io.culvert.agent.sim.SimLoop;
import io.culvert.agent.sim.SimNet;
import io.culvert.agent.sim.SimSocket;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.agent.telemetry.log.LogCapture;
import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.policy.Authorizer;
import io.culvert.protocol.policy.Decision;
import io.culvert.protocol.policy.PeerFacts;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import io.culvert.testkit.Gen;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * The whole path of a byte on a simulated network: application, capture, tunnel pool, tunnel, policy, application; with two
 * nodes, plaintext in and out beside it, and everything that can go wrong going wrong.
 */
class PathSim {
    private static final int CASES = 1_500;
    private static final int HBONE_PORT = 15_008;
    private static final int PORT_FIRST = 8_000;
    private static final int SOURCE_PORT_FIRST = 40_000;
    private static final long REST_SECONDS = 300;
    private static final AgentConfig CONFIG = TestConfig.defaults();
    private static final Metrics METRICS = new Metrics("", BuildVersion.current());
    private static final Workload CLIENT =
            Records.pod("client", "10.0.0.1").hbone().node("node-a").build();
    private static final Workload SERVER =
            Records.pod("server", "10.0.0.2").hbone().node("node-b").build();
    private static final Workload LEGACY =
            Records.external("legacy", "10.0.0.3").build();
    private static final String STRANGER = "10.9.9.9";
    private static final IpAddress GATEWAY_IP = IpAddress.parse("10.0.0.4");
    private static final String HOSTNAME = "legacy.example";
    private static final Workload GATEWAY =
            Records.pod("gateway", "10.0.0.4").network("west").build();
    private static final Workload REMOTE = Records.pod("remote")
            .network("west")
            .hbone()
            .gateway(Records.byIp("west", "10.0.0.4", HBONE_PORT))
            .of("remote")
            .build();
    private static final Workload NAMED =
            Records.external("named").hostname(HOSTNAME).of("named").build();
    private static final int[] SAME_PORTS = IntStream.range(PORT_FIRST, PORT_FIRST + 10)
            .flatMap(port -> IntStream.of(port, port))
            .toArray();
    private static final List<Service> SERVICES = List.of(
            Records.service("remote")
                    .vip("10.96.0.1")
                    .ports(SAME_PORTS)
                    .sans(SERVER.identity().uri())
                    .build(),
            Records.service("named").vip("10.96.0.2").ports(SAME_PORTS).build());
    private static final TestCa CA = TestCa.root("root");
    private static final TlsMaterial CLIENT_MATERIAL = CA.material(CLIENT.identity(), () -> TestCa.EPOCH);
    private static final TlsMaterial GATEWAY_MATERIAL = CA.material(GATEWAY.identity(), () -> TestCa.EPOCH);
    private static final TlsMaterial SERVER_MATERIAL = CA.material(SERVER.identity(), () -> TestCa.EPOCH);

    @Test
    void orderlyConnectionsArriveWhole_inSpiteOfDelaysAndNarrowWindows() {
        Gen.forAll(CASES, gen -> run(gen, false));
    }

    @Test
    void nothingLeaksOrLies_whateverGoesWrong() {
        Gen.forAll(2 * CASES, gen -> run(gen, true));
    }

    private static void run(Gen gen, boolean faults) {
        Run run = new Run(gen, faults);
        try (LogCapture _ = LogCapture.of("access", run::onAccess)) {
            run.begin();
            run.loop.runSeconds(REST_SECONDS);
            run.assertRest();
            run.end();
            run.loop.runSeconds(REST_SECONDS);
            run.assertNothingLeft();
        } finally {
            run.loop.abandonBuffers();
        }
    }

    /** How a connection goes. */
    private enum Kind {
        TUNNELLED,
        /** To another network, through its gateway, in a tunnel within a tunnel. */
        NESTED,
        DIRECT,
        /** To what is known by hostname only. */
        NAMED,
        PASSTHROUGH;

        String destination() {
            return switch (this) {
                case TUNNELLED, PASSTHROUGH -> "10.0.0.2";
                case NESTED -> "10.96.0.1";
                case DIRECT -> "10.0.0.3";
                case NAMED -> "10.96.0.2";
            };
        }
    }

    private static final class Link {
        private final int number;
        private final Kind kind;
        private final IpPort source;
        private final IpPort destination;
        private @Nullable SimApp client;
        private @Nullable SimApp server;

        private Link(int number, Kind kind) {
            this.number = number;
            this.kind = kind;
            this.source = at(kind == Kind.PASSTHROUGH ? STRANGER : "10.0.0.1", SOURCE_PORT_FIRST + number);
            this.destination = at(kind.destination(), PORT_FIRST + number);
        }

        /** Who the far end's agent takes for its source. */
        private IpAddress seenFrom() {
            return kind == Kind.NESTED ? GATEWAY_IP : source.ip();
        }

        @Override
        public String toString() {
            return kind + " " + client + " <-> " + server;
        }
    }

    private static final class Run {
        private final Gen gen;
        private final boolean faults;
        private final boolean scarce;
        private final SimLoop loop;
        private final SimNet net;
        private final SimTransports transports = new SimTransports();
        private final SimNode near;
        private final SimNode far;
        private final List<Link> links = new ArrayList<>();
        private final List<SimSocket> tunnelSockets = new ArrayList<>();
        private final Map<String, Integer> ends = new TreeMap<>();
        private final Map<String, String> errors = new HashMap<>();
        private final int bytesMax;
        private int opened;
        private int completed;

        Run(Gen gen, boolean faults) {
            this.gen = gen;
            this.faults = faults;
            this.scarce = faults && gen.oneIn(8);
            this.bytesMax = gen.pick(200, 10_000, 60_000);
            this.loop = new SimLoop(scarce);
            this.net = new SimNet(loop, gen, gen.pick(0, 1_000, 1_000_000));
            if (gen.oneIn(2)) {
                transports.handOver(gen);
            }
            AgentConfig config = vary(CONFIG);
            this.near = new SimNode(loop, config, METRICS, transports, this::dialFromNear, CLIENT, () -> TestCa.EPOCH);
            this.far = new SimNode(loop, config, METRICS, transports, this::dialFromFar, SERVER, () -> TestCa.EPOCH);
            transports.know(CLIENT_MATERIAL);
            transports.know(GATEWAY_MATERIAL);
            if (!faults || !gen.oneIn(8)) {
                near.names.put(HOSTNAME, List.of(IpAddress.parse("10.0.0.3")));
            }
            if (!faults || !gen.oneIn(30)) {
                transports.know(SERVER_MATERIAL);
            }
        }

        private AgentConfig vary(AgentConfig from) {
            ProxyConfig proxy = from.proxy();
            HboneConfig hbone = proxy.hbone();
            int window = gen.pick(100, 5_000, 65_535, 4 << 20);
            HboneConfig.Windows windows = new HboneConfig.Windows(window, gen.pick(65_535, 200_000), 1 << 20);
            boolean narrow = faults && gen.oneIn(4);
            LimitConfig limits = new LimitConfig(
                    narrow ? gen.intBetween(1, 6) : 1_000,
                    narrow ? gen.intBetween(1, 3) : 100,
                    gen.pick(1, 3, 100),
                    proxy.limits().headerBytesMax());
            HboneConfig varied = new HboneConfig(
                    windows,
                    hbone.ping(),
                    gen.pick(1, 2, 100),
                    Duration.ofSeconds(gen.pick(1, 20, 10_000)),
                    hbone.responseBaggage(),
                    hbone.localhostAppTunnel());
            return new AgentConfig(
                    from.node(),
                    from.mesh(),
                    from.ports(),
                    new ProxyConfig(true, proxy.sockets(), varied, proxy.timeouts(), limits, proxy.dns()),
                    from.tls(),
                    from.process(),
                    from.log());
        }

        // ---- what happens -------------------------------------------------------------------------------------------

        void begin() {
            boolean late = faults && gen.oneIn(6);
            loop.outside(() -> publish(near, List.of()), late ? upTo(8_000) : 0);
            loop.outside(() -> publish(far, List.of()), late ? upTo(8_000) : 0);
            bringCertificate(near, CLIENT_MATERIAL);
            bringCertificate(far, SERVER_MATERIAL);
            int count = gen.intBetween(1, 10);
            for (int i = 0; i < count; i++) {
                Link link = new Link(
                        i,
                        gen.pick(
                                Kind.TUNNELLED,
                                Kind.TUNNELLED,
                                Kind.NESTED,
                                Kind.NESTED,
                                Kind.DIRECT,
                                Kind.NAMED,
                                Kind.PASSTHROUGH));
                links.add(link);
                loop.outside(() -> open(link), gen.bool() ? 0 : upTo(1_000));
            }
            if (faults) {
                misfortunes();
            }
        }

        private long upTo(int millis) {
            return TimeUnit.MILLISECONDS.toNanos(gen.intBetween(0, millis));
        }

        private void bringCertificate(SimNode node, TlsMaterial material) {
            if (!faults || !gen.oneIn(8)) {
                node.certificates.put(material);
            } else if (gen.bool()) {
                loop.outside(() -> node.certificates.put(material), upTo(20_000));
            }
        }

        private void misfortunes() {
            for (int flips = gen.oneIn(3) ? gen.intBetween(1, 4) : 0; flips > 0; flips--) {
                loop.outside(this::flipPolicy, upTo(1_500));
            }
            if (gen.oneIn(6)) {
                loop.outside(this::breakTunnels, upTo(1_500));
            }
            if (gen.oneIn(8)) {
                loop.outside(far.podLoop::drain, upTo(1_500));
            }
            if (gen.oneIn(8)) {
                loop.outside(near.podLoop::drain, upTo(1_500));
            }
            if (gen.oneIn(10)) {
                SimNode closed = gen.bool() ? near : far;
                loop.outside(() -> closed.podLoop.close(CloseReason.POD_REMOVED, null), upTo(1_500));
            }
        }

        private void publish(SimNode node, List<Policy> policies) {
            node.publish(List.of(CLIENT, SERVER, LEGACY, GATEWAY, REMOTE, NAMED), SERVICES, policies);
        }

        private void flipPolicy() {
            List<Integer> ports = IntStream.range(0, links.size())
                    .filter(i -> gen.oneIn(3))
                    .mapToObj(i -> PORT_FIRST + i)
                    .toList();
            publish(far, ports.isEmpty() ? List.of() : List.of(Records.denyPorts("shop/deny", ports)));
            // Whoever is denied now has been cut off by the end of this tick.
            loop.outside(() -> assertCutOff(ports), 0);
        }

        private void assertCutOff(List<Integer> ports) {
            for (OpenConnection connection : far.podLoop.open()) {
                ConnectionView view = connection.view();
                if (view != null) {
                    int port = view.actualDestination().port();
                    assertTrue(!ports.contains(port), () -> "still open to denied port " + port);
                }
            }
        }

        private void breakTunnels() {
            tunnelSockets.forEach(SimSocket::breakOff);
        }

        private void open(Link link) {
            SimSocket[] pair = net.connect(socket(link.source), socket(link.destination));
            pair[1].redirectedFrom(link.destination);
            link.client = new SimApp(net, pair[0], link.number, false, bytesMax, !faults);
            SimNode node = link.kind == Kind.PASSTHROUGH ? far : near;
            if (node.podLoop.isClosed()) {
                pair[1].abort();
                ends.merge(link.source.toString(), 1, Integer::sum);
            } else if (link.kind == Kind.PASSTHROUGH) {
                PassthroughConnection.accept(node.podLoop, pair[1]);
            } else {
                OutboundConnection.accept(node.podLoop, pair[1]);
            }
        }

        private Runnable dialFromNear(IpPort target, @Nullable IpAddress source, Dialer.Listener listener) {
            if (target.port() == HBONE_PORT && target.ip().equals(GATEWAY_IP)) {
                return dial(target, "10.0.0.1", listener, this::acceptAtGateway);
            }
            if (target.port() == HBONE_PORT) {
                assertEquals("10.0.0.2", target.ip().toString());
                return dial(target, "10.0.0.1", listener, this::acceptTunnel);
            }
            assertEquals("10.0.0.3", target.ip().toString());
            return dial(target, "10.0.0.1", listener, socket -> serve(target, socket));
        }

        private void acceptAtGateway(SimSocket socket) {
            tunnelSockets.add(socket);
            SimGateway.accept(loop, socket, transports, GATEWAY_MATERIAL, far.pod.serverTerms(), () -> {
                SimSocket[] pair = net.connect(socket(at("10.0.0.4", 50_000)), socket(at("10.0.0.2", HBONE_PORT)));
                loop.outside(() -> acceptTunnel(pair[1]), gen.oneIn(2) ? 0 : upTo(5));
                return pair[0];
            });
        }

        private void acceptTunnel(SimSocket socket) {
            tunnelSockets.add(socket);
            if (far.podLoop.isClosed()) {
                socket.abort();
            } else {
                InboundTunnel.accept(far.podLoop, socket);
            }
        }

        private Runnable dialFromFar(IpPort target, @Nullable IpAddress source, Dialer.Listener listener) {
            assertEquals("10.0.0.2", target.ip().toString());
            Link link = links.get(target.port() - PORT_FIRST);
            assertAllowed(link);
            String from = source == null ? "10.0.0.2" : source.toString();
            assertEquals(link.seenFrom().toString(), from, "the application sees the client's own address");
            return dial(target, from, listener, socket -> serve(target, socket));
        }

        /** The application is not even connected to unless policy allows it at this moment. */
        private void assertAllowed(Link link) {
            PeerIdentity peer = link.kind == Kind.PASSTHROUGH
                    ? PeerIdentity.PLAINTEXT
                    : new PeerIdentity.Verified(CLIENT.identity());
            PeerFacts facts =
                    new PeerFacts(peer, link.seenFrom(), IpAddress.parse("10.0.0.2"), link.destination.port());
            Decision decision = Authorizer.decide(far.mesh.current().policiesFor(SERVER), facts);
            assertTrue(decision instanceof Decision.Allow, () -> "dialled although " + decision);
        }

        private void serve(IpPort target, SimSocket socket) {
            Link link = links.get(target.port() - PORT_FIRST);
            link.server = new SimApp(net, socket, link.number, true, bytesMax, !faults);
        }

        private Runnable dial(IpPort target, String from, Dialer.Listener listener, Consumer<SimSocket> accepting) {
            boolean[] over = new boolean[1];
            if (faults && gen.oneIn(30)) {
                boolean timesOut = gen.bool();
                Runnable fails = () -> {
                    if (!over[0]) {
                        over[0] = true;
                        listener.onDialFailed(timesOut, "connect to " + target);
                    }
                };
                if (gen.oneIn(3)) {
                    fails.run();
                } else {
                    loop.outside(fails, timesOut ? TimeUnit.SECONDS.toNanos(10) : upTo(100));
                }
            } else {
                Runnable succeeds = () -> {
                    if (!over[0]) {
                        over[0] = true;
                        SimSocket[] pair = net.connect(socket(at(from, 50_000)), socket(target));
                        loop.outside(() -> accepting.accept(pair[1]), gen.oneIn(2) ? 0 : upTo(5));
                        listener.onConnected(pair[0]);
                    }
                };
                if (gen.oneIn(4)) {
                    succeeds.run();
                } else {
                    loop.outside(succeeds, upTo(5));
                }
            }
            return () -> over[0] = true;
        }

        void onAccess(String message, Map<String, String> fields) {
            assertNamesTheEndsBehindAGateway(message, fields);
            switch (message) {
                case "connection opened" -> opened++;
                case "connection complete" -> {
                    completed++;
                    ended(fields);
                }
                case "connection failed" -> ended(fields);
                default -> throw new AssertionError(message);
            }
        }

        /** Addresses tell nothing there; what both ends say of themselves does. */
        private static void assertNamesTheEndsBehindAGateway(String message, Map<String, String> fields) {
            if (String.valueOf(fields.get("src.addr")).startsWith(GATEWAY_IP + ":")
                    && fields.containsKey("dst.hbone_addr")) {
                assertEquals(CLIENT.canonicalName(), fields.get("src.workload"), fields::toString);
                assertEquals(CLIENT.identity().uri(), fields.get("src.identity"), fields::toString);
            }
            if (String.valueOf(fields.get("dst.addr")).startsWith(GATEWAY_IP + ":")
                    && message.equals("connection complete")
                    && !fields.containsKey("error")) {
                assertEquals(SERVER.canonicalName(), fields.get("dst.workload"), fields::toString);
                assertEquals(SERVER.identity().uri(), fields.get("dst.identity"), fields::toString);
            }
        }

        private void ended(Map<String, String> fields) {
            String source = String.valueOf(fields.get("src.addr"));
            ends.merge(source, 1, Integer::sum);
            errors.put(source, String.valueOf(fields.get("error")));
        }

        void end() {
            near.podLoop.close(CloseReason.POD_REMOVED, null);
            far.podLoop.close(CloseReason.POD_REMOVED, null);
        }

        // ---- what must hold -----------------------------------------------------------------------------------------

        /** All applications are through, nothing is open but idle tunnels. */
        void assertRest() {
            for (Link link : links) {
                SimApp client = link.client;
                SimApp server = link.server;
                assertTrue(client != null && client.isOver(), () -> "the client is through: " + link + errors);
                assertTrue(server == null || server.isOver(), () -> "the server is through: " + link + errors);
                if (client != null) {
                    assertEnd(link, client, server);
                }
                assertEquals(1, ends.get(link.source.toString()), () -> "one close record: " + link + ends);
            }
            assertEquals(opened, completed, "every record that was opened is closed");
            assertEquals(0, near.podLoop.open().size(), () -> "near: " + near.podLoop.open());
            assertTrue(
                    far.podLoop.open().stream().allMatch(open -> open instanceof InboundTunnel),
                    () -> "far: " + far.podLoop.open());
            transports.assertCreditReturned();
        }

        private void assertEnd(Link link, SimApp client, @Nullable SimApp server) {
            if (server == null) {
                assertTrue(client.broke() || client.sawReset(), () -> "not opened, so reset: " + link + errors);
                assertEquals(0, client.received(), link::toString);
                return;
            }
            assertWhole(link, client, server);
            assertWhole(link, server, client);
            if (!faults) {
                assertTrue(client.isContent() && server.isContent(), () -> "orderly stays orderly: " + link + errors);
            }
        }

        /** Who reads an end has read everything; who does not is reset, or broke off itself. */
        private void assertWhole(Link link, SimApp reader, SimApp writer) {
            assertTrue(reader.received() <= writer.sent(), link::toString);
            if (reader.sawEnd()) {
                assertTrue(writer.saidAll(), () -> "an end that nobody told: " + link + errors);
                assertEquals(writer.sent(), reader.received(), () -> "truncated: " + link + errors);
            }
            if (!reader.broke() && !reader.isContent()) {
                assertTrue(reader.sawReset(), () -> "neither content nor reset: " + link + errors);
            }
            if (writer.reset() && !reader.broke() && !reader.isContent()) {
                assertTrue(reader.sawReset(), () -> "a reset arrives as a reset: " + link + errors);
            }
        }

        void assertNothingLeft() {
            assertEquals(0, loop.pool().lentBytes(), "buffers come back");
            assertEquals(0, loop.timers(), "timers come back");
            assertEquals(List.of(), net.open(), "sockets come back");
            assertEquals(0, near.pod.connections() + far.pod.connections(), "places come back");
            assertEquals(0, near.podLoop.pool().tunnels(), "tunnels come back");
            assertEquals(0, near.certificates.wishes() + far.certificates.wishes(), "wishes are withdrawn");
            transports.assertEnginesReleased();
        }
    }

    private static IpPort at(String ip, int port) {
        return new IpPort(IpAddress.parse(ip), port);
    }

    private static InetSocketAddress socket(IpPort address) {
        return new InetSocketAddress(address.ip().toString(), address.port());
    }
}
