package io.culvert.systemtests.handover;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.systemtests.lab.AgentProcess;
import io.culvert.systemtests.lab.MeshLab;
import io.culvert.systemtests.lab.MeshYaml;
import io.culvert.testkit.DnsWire;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.Netns;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Captured pods that ask for names: the agent answers for the mesh, the node's server for everything else. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DnsNetnsIT {
    private static final Duration SOON = Duration.ofSeconds(15);
    /** Where pods believe their server to be; nobody is there. */
    private static final InetAddress BELIEVED = address("10.96.0.10");

    private static final InetAddress BELIEVED_V6 = address("fd00:96::10");

    private Path conf = Path.of("");
    private Map<String, String> environment = Map.of();
    private MeshLab lab = MeshLab.builder()
            .pod("client", "one")
            .pod("server", "two")
            .outside("nameserver")
            .mesh(mesh -> mesh.service("web", service("10.96.1.1", "fd00:96::1"))
                    .service("many", "hostname: many.example.com, vips: [" + many() + "], ports: [{port: 80}]"))
            .withoutAgents()
            .start();
    private DnsUpstream upstream = DnsUpstream.start(lab.ns("nameserver"));

    private static String service(String... vips) {
        return "hostname: web.demo.svc.cluster.local, vips: [\"" + String.join("\", \"", vips)
                + "\"], ports: [{port: 80}]";
    }

    private static String many() {
        List<String> vips = new ArrayList<>();
        for (int i = 1; i <= 100; i++) {
            vips.add("10.97.0." + i);
        }
        return String.join(", ", vips);
    }

    private static InetAddress address(String literal) {
        return InetAddress.ofLiteral(literal);
    }

    @BeforeAll
    void start(@TempDir Path directory) throws IOException {
        conf = directory.resolve("resolv.conf");
        writeConf(3);
        environment = Map.of("ISTIO_META_DNS_CAPTURE", "true", "CULVERT_RESOLV_CONF", conf.toString());
        MeshLab.NODES.forEach(node -> lab.startAgent(node, environment));
        MeshLab.NODES.forEach(lab::awaitServing);
    }

    /** At once, so that nobody reads a part of it. */
    private void writeConf(int timeoutSeconds) throws IOException {
        String server = lab.ns("nameserver").ipv4().getHostAddress();
        Path next = conf.resolveSibling("next");
        Files.writeString(next, "nameserver " + server + "\noptions timeout:" + timeoutSeconds + " attempts:1\n");
        Files.move(next, conf, StandardCopyOption.ATOMIC_MOVE);
    }

    @AfterEach
    void noTrouble() {
        lab.verify();
        upstream.asked().clear();
    }

    @AfterAll
    void close() {
        upstream.close();
        lab.close();
    }

    private Netns client() {
        return lab.ns("client");
    }

    private DnsWire.Answer udp(byte[] query) throws IOException {
        return DnsWire.parse(DnsProbe.udp(client(), BELIEVED, query));
    }

    @Test
    void namesOfTheMesh_areAnsweredByTheAgent_byUdpAndTcp_ofBothFamilies() throws IOException {
        for (InetAddress server : List.of(BELIEVED, BELIEVED_V6)) {
            for (String name : List.of("web", "web.demo.svc.cluster.local", "WEB.demo")) {
                byte[] query = DnsWire.query(4711, name, DnsWire.A, 1232);
                DnsWire.Answer udp = DnsWire.parse(DnsProbe.udp(client(), server, query));
                assertEquals(4711, udp.id());
                assertEquals(List.of("10.96.1.1"), udp.data(DnsWire.A), name + " at " + server);
                DnsWire.Answer tcp = DnsWire.parse(DnsProbe.tcp(client(), server, query));
                assertEquals(udp, tcp);
            }
        }
        assertEquals(
                List.of("fd00:96:0:0:0:0:0:1"),
                udp(DnsWire.query(1, "web", DnsWire.AAAA)).data(DnsWire.AAAA));
        assertEquals(List.of(), upstream.asked());
    }

    @Test
    void longAnswer_isCutByUdp_andWholeByTcp() throws IOException {
        byte[] query = DnsWire.query(1, "many.example.com", DnsWire.A);
        DnsWire.Answer cut = udp(query);
        assertTrue(cut.truncated());
        assertTrue(cut.data(DnsWire.A).size() < 100);
        DnsWire.Answer fuller = udp(DnsWire.query(1, "many.example.com", DnsWire.A, 1232));
        assertTrue(fuller.truncated());
        assertEquals(74, fuller.data(DnsWire.A).size(), "what 1,232 bytes hold");
        DnsWire.Answer whole = DnsWire.parse(DnsProbe.tcp(client(), BELIEVED, query));
        assertFalse(whole.truncated());
        assertEquals(100, new HashSet<>(whole.data(DnsWire.A)).size());
        assertEquals(
                100,
                udp(DnsWire.query(1, "many.example.com", DnsWire.A, 4096))
                        .data(DnsWire.A)
                        .size());
    }

    @Test
    void everythingElse_isPassedOnByteForByte_andSoIsTheAnswer() throws IOException {
        List<byte[]> queries = List.of(
                DnsWire.query(1, "www.example.org", DnsWire.A, 1232),
                DnsWire.query(2, DnsWire.mixed("www.example.org"), DnsWire.SRV),
                DnsWire.query(3, "www.example.org", 65_280),
                DnsWire.update(4, "example.org"));
        for (byte[] query : queries) {
            for (boolean tcp : new boolean[] {false, true}) {
                byte[] answer = tcp ? DnsProbe.tcp(client(), BELIEVED, query) : DnsProbe.udp(client(), BELIEVED, query);
                assertArrayEquals(DnsWire.answer(query, 0, DnsWire.A, new byte[] {1, 1, 1, 1}), answer);
                DnsUpstream.Asked asked = upstream.asked().removeLast();
                assertArrayEquals(
                        Arrays.copyOfRange(query, 2, query.length),
                        Arrays.copyOfRange(asked.message(), 2, asked.message().length));
                assertEquals(tcp, asked.tcp());
                assertEquals(client().ipv4(), asked.from());
            }
        }
        assertEquals(3, udp(DnsWire.query(5, "nobody.example.org", DnsWire.A)).rcode());
    }

    @Test
    void everyQueryPassedOn_hasAPortAndAnIdOfItsOwn() throws IOException {
        Set<Integer> ports = new TreeSet<>();
        Set<Integer> ids = new TreeSet<>();
        for (int i = 0; i < 20; i++) {
            assertEquals(
                    7,
                    udp(DnsWire.query(7, "n" + i + ".example.org", DnsWire.A)).id());
        }
        for (DnsUpstream.Asked asked : upstream.asked()) {
            ports.add(asked.port());
            ids.add(DnsWire.parse(asked.message()).id());
        }
        assertTrue(ports.size() > 15, ports.toString());
        assertTrue(ids.size() > 15, ids.toString());
    }

    private long ttl(int id, String name) throws IOException {
        DnsWire.Answer answer = udp(DnsWire.query(id, name, DnsWire.A));
        assertEquals(id, answer.id());
        assertEquals(List.of("1.1.1.1"), answer.data(DnsWire.A));
        return answer.records().getFirst().ttl();
    }

    @Test
    void answerOfTheServer_isGivenAgainWhileItHolds_andRunsDown() throws IOException {
        assertEquals(60, ttl(1, "held.example.org"));
        Eventually.passes("it runs down", SOON, () -> assertTrue(ttl(2, "held.example.org") < 60));
        assertEquals(1, upstream.asked().size());
        // By the other protocol it is another answer.
        byte[] query = DnsWire.query(3, "held.example.org", DnsWire.A);
        assertArrayEquals(
                DnsWire.answer(query, 0, DnsWire.A, new byte[] {1, 1, 1, 1}), DnsProbe.tcp(client(), BELIEVED, query));
        assertEquals(2, upstream.asked().size());
    }

    @Test
    void answerOfTheServer_isAskedForAgain_onceItDoesNotHoldAnyMore() throws IOException {
        upstream.ttl(2);
        assertEquals(2, ttl(1, "brief.example.org"));
        upstream.ttl(60);
        Eventually.passes("it is asked again", SOON, () -> assertTrue(ttl(2, "brief.example.org") > 50));
        assertEquals(2, upstream.asked().size());
    }

    @Test
    void answersOfTheServer_areForgotten_whenOthersAreToBeAsked() throws IOException {
        assertEquals(60, ttl(1, "kept.example.org"));
        assertTrue(ttl(2, "kept.example.org") > 0);
        assertEquals(1, upstream.asked().size());
        writeConf(2);
        Eventually.passes("it is asked anew", SOON, () -> {
            assertTrue(ttl(3, "kept.example.org") > 0);
            assertEquals(2, upstream.asked().size());
        });
        assertTrue(ttl(4, "kept.example.org") > 0);
        assertEquals(2, upstream.asked().size());
    }

    @Test
    void manyQueriesAtOnce_areAllAnswered() throws Exception {
        try (ExecutorService pool = Executors.newFixedThreadPool(8)) {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                int id = i;
                all.add(pool.submit(() -> {
                    String name = id % 2 == 0 ? "web" : "www.example.org";
                    byte[] query = DnsWire.query(id, name, DnsWire.A);
                    DnsWire.Answer answer = DnsWire.parse(
                            id % 5 == 0
                                    ? DnsProbe.tcp(client(), BELIEVED, query)
                                    : DnsProbe.udp(client(), BELIEVED, query));
                    assertEquals(id, answer.id());
                    assertEquals(List.of(id % 2 == 0 ? "10.96.1.1" : "1.1.1.1"), answer.data(DnsWire.A));
                    return id;
                }));
            }
            for (Future<?> each : all) {
                assertNotEquals(null, each.get());
            }
        } catch (ExecutionException e) {
            throw new AssertionError(e.getCause());
        }
    }

    @Test
    void silentServer_isGivenUp_andCounted() throws IOException {
        upstream.close();
        upstream = DnsUpstream.start(lab.ns("nameserver"));
        upstream.fallSilent();
        double before = lab.agent("one").metrics().sum("istio_dns_upstream_failures_total");
        double requests = lab.agent("one").metrics().sum("istio_dns_requests_total");
        DnsWire.Answer answer = udp(DnsWire.query(1, "silent.example.org", DnsWire.A));
        assertEquals(2, answer.rcode());
        Eventually.holds(
                "it is counted",
                SOON,
                () -> lab.agent("one").metrics().sum("istio_dns_upstream_failures_total") == before + 1);
        assertEquals(requests + 1, lab.agent("one").metrics().sum("istio_dns_requests_total"));
        upstream.close();
        // Now nobody is there at all, which the kernel says.
        assertEquals(2, udp(DnsWire.query(1, "silent.example.org", DnsWire.A)).rcode());
        assertEquals(
                2,
                DnsWire.parse(DnsProbe.tcp(client(), BELIEVED, DnsWire.query(1, "www.org", DnsWire.A)))
                        .rcode());
        upstream = DnsUpstream.start(lab.ns("nameserver"));
    }

    @Test
    void changedService_isAnsweredAnew() throws IOException {
        MeshYaml before = lab.mesh();
        lab.apply(before.service("web", service("10.96.1.2")));
        assertEquals(
                List.of("10.96.1.2"), udp(DnsWire.query(1, "web", DnsWire.A)).data(DnsWire.A));
        assertEquals(List.of(), udp(DnsWire.query(1, "web", DnsWire.AAAA)).data(DnsWire.AAAA));
        lab.apply(before);
    }

    @Test
    void queryUnderWay_isAnswered_thoughTheAgentStops() throws Exception {
        upstream.fallSilent();
        try (ExecutorService pool = Executors.newSingleThreadExecutor()) {
            Future<DnsWire.Answer> answer = pool.submit(() -> udp(DnsWire.query(1, "late.example.org", DnsWire.A)));
            Eventually.holds("it is under way", SOON, () -> !upstream.asked().isEmpty());
            AgentProcess stopping = lab.agent("one");
            stopping.signal("TERM");
            Eventually.holds(
                    "it drains",
                    SOON,
                    () -> stopping.log().stream()
                            .anyMatch(each -> each.toString().contains("draining")));
            upstream.answerLast();
            assertEquals(List.of("1.1.1.1"), answer.get().data(DnsWire.A));
            stopping.awaitEnd(SOON).expectExit(0);
        }
        lab.forgetAgent("one");
        lab.startAgent("one", environment);
        lab.awaitServing("one");
        assertEquals(
                List.of("10.96.1.1"), udp(DnsWire.query(1, "web", DnsWire.A)).data(DnsWire.A));
    }
}
