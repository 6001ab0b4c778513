package io.culvert.systemtests.netns;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.systemtests.lab.Flow;
import io.culvert.systemtests.lab.LogEntry;
import io.culvert.systemtests.lab.MeshLab;
import io.culvert.systemtests.lab.MeshLabExtension;
import io.culvert.systemtests.lab.MeshYaml;
import io.culvert.systemtests.lab.Observation;
import io.culvert.testkit.CommandResult;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.NetProbe;
import io.culvert.testkit.Netns;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Who can be where, in both address families: what is carried in a tunnel, under which identities, and what is not. */
class TopologyNetnsIT {
    private static final int PORT = 7000;
    private static final String VIP4 = "10.96.0.10";
    private static final String VIP6 = "fd96::10";
    private static final String SELF4 = "10.96.0.11";
    private static final String SELF6 = "fd96::11";

    @RegisterExtension
    static final MeshLabExtension LAB = new MeshLabExtension(MeshLab.builder()
            .pod("client", "one")
            .pod("near", "one")
            .pod("server", "two")
            .pod("other", "two")
            .legacyPod("legacy", "two")
            .outside("far")
            .mesh(mesh -> mesh.service(
                            "pair",
                            "vips: [\"" + VIP4 + "\", \"" + VIP6
                                    + "\"], ports: [{port: 80, targetPort: 7000}], endpoints: [server, other]")
                    .service(
                            "own",
                            "vips: [\"" + SELF4 + "\", \"" + SELF6
                                    + "\"], ports: [{port: 80, targetPort: 7000}], endpoints: [client]")));

    /** IPv4 and IPv6. */
    enum Family {
        V4,
        V6;

        InetAddress of(Netns ns) {
            return this == V4 ? ns.ipv4() : ns.v6();
        }

        InetAddress pick(String v4, String v6) {
            return InetAddress.ofLiteral(this == V4 ? v4 : v6);
        }

        String shown(InetAddress address) {
            return this == V4 ? MeshYaml.literal(address) : "[" + MeshYaml.literal(address) + "]";
        }
    }

    private static MeshLab lab() {
        return LAB.lab();
    }

    private static Netns ns(String name) {
        return lab().ns(name);
    }

    /** One connection that sends 1000 bytes and gets 3000; what the server saw of it. */
    private static String converse(String from, String server, InetAddress to, int port) {
        try (LabProcess serving = NetProbe.serve(
                lab().net(), ns(server), PORT, List.of("--accept", "1"), "recv:1000", "send:3000", "eof", "fin")) {
            NetProbe.connect(lab().net(), ns(from), to, port, "send:1000", "recv:3000", "fin", "eof")
                    .expectOk();
            return serving.await(java.time.Duration.ofSeconds(5)).expectOk().out();
        }
    }

    private static void expectSource(Family family, String from, String seen) {
        String peer = "peer=" + family.shown(family.of(ns(from))) + ":";
        assertTrue(seen.contains(peer), "the server is told the source's own address: " + seen);
    }

    private static void expectTunnelled(LogEntry entry, String direction, String from, String to) {
        assertEquals(direction, entry.field("direction"));
        assertEquals("", entry.field("error"));
        assertEquals(MeshYaml.idOf(from), entry.field("src.identity"));
        assertEquals(MeshYaml.idOf(to), entry.field("dst.identity"));
        boolean inbound = direction.equals("inbound");
        assertEquals(inbound ? "3000" : "1000", entry.field("bytes_sent"));
        assertEquals(inbound ? "1000" : "3000", entry.field("bytes_recv"));
        assertFalse(entry.field("dst.hbone_addr").isEmpty());
    }

    @ParameterizedTest
    @EnumSource
    void crossNode(Family family) {
        Observation since = lab().observe();
        String seen = converse("client", "server", family.of(ns("server")), PORT);
        expectSource(family, "client", seen);
        since.expectFlows("one", Flow.mutual("source", "client", "server", 1, 1000, 3000));
        since.expectFlows("two", Flow.mutual("destination", "client", "server", 1, 1000, 3000));
        expectTunnelled(since.onlyConnection("one"), "outbound", "client", "server");
        LogEntry inbound = since.onlyConnection("two");
        expectTunnelled(inbound, "inbound", "client", "server");
        String server = family.shown(family.of(ns("server")));
        assertEquals(server + ":15008", inbound.field("dst.addr"));
        assertEquals(server + ":" + PORT, inbound.field("dst.hbone_addr"));
    }

    @ParameterizedTest
    @EnumSource
    void sameNode(Family family) {
        Observation since = lab().observe();
        String seen = converse("client", "near", family.of(ns("near")), PORT);
        expectSource(family, "client", seen);
        since.expectFlows(
                "one",
                Flow.mutual("source", "client", "near", 1, 1000, 3000),
                Flow.mutual("destination", "client", "near", 1, 1000, 3000));
        since.expectFlows("two");
    }

    @ParameterizedTest
    @EnumSource
    void sourceOutsideTheMesh_plaintextWithItsOwnAddress(Family family) {
        Observation since = lab().observe();
        for (String from : List.of("legacy", "far")) {
            expectSource(family, from, converse(from, "server", family.of(ns("server")), PORT));
        }
        since.expectFlows("one");
        since.expectFlows("two", Flow.plain("destination", Flow.End.UNKNOWN, Flow.End.proven("server"), 2, 2000, 6000));
        for (LogEntry entry : since.accessLog("two")) {
            assertEquals("", entry.field("src.identity"));
            assertEquals("", entry.field("dst.hbone_addr"));
        }
    }

    @ParameterizedTest
    @EnumSource
    void destinationOutsideTheMesh_plaintextToWhereItWasGoing(Family family) {
        Observation since = lab().observe();
        expectSource(family, "client", converse("client", "legacy", family.of(ns("legacy")), PORT));
        expectSource(family, "client", converse("client", "far", family.of(ns("far")), PORT));
        since.expectFlows("one", Flow.plain("source", Flow.End.unproven("client"), Flow.End.UNKNOWN, 2, 2000, 6000));
        since.expectFlows("two");
    }

    @ParameterizedTest
    @EnumSource
    void hairpinToOwnAddress_bypassesTheAgent(Family family) {
        Observation since = lab().observe();
        String seen = converse("client", "client", family.of(ns("client")), PORT);
        expectSource(family, "client", seen);
        since.expectFlows("one");
        since.expectFlows("two");
    }

    @ParameterizedTest
    @EnumSource
    void hairpinThroughAServiceToItself(Family family) {
        Observation since = lab().observe();
        String seen = converse("client", "client", family.pick(SELF4, SELF6), 80);
        expectSource(family, "client", seen);
        since.expectFlows(
                "one",
                Flow.mutual("source", "client", "client", 1, 1000, 3000),
                Flow.mutual("destination", "client", "client", 1, 1000, 3000));
        assertTrue(
                since.accessLog("one").stream()
                        .allMatch(e -> e.field("dst.service").equals("own.demo.svc.cluster.local")),
                since.accessLog("one").toString());
    }

    @ParameterizedTest
    @EnumSource
    void serviceWithTwoEndpointsAndPortMapping(Family family) {
        Observation since = lab().observe();
        try (LabProcess first = NetProbe.serve(lab().net(), ns("server"), PORT, "echo");
                LabProcess second = NetProbe.serve(lab().net(), ns("other"), PORT, "echo")) {
            NetProbe.connect(
                            lab().net(),
                            ns("client"),
                            family.pick(VIP4, VIP6),
                            80,
                            List.of("--connections", "60"),
                            "both:500",
                            "fin",
                            "eof")
                    .expectOk();
            int atFirst = served(first.stop());
            int atSecond = served(second.stop());
            assertEquals(60, atFirst + atSecond);
            // The chance that a fair choice leaves one of them fewer than 10 of 60 is below one in ten million.
            assertTrue(Math.min(atFirst, atSecond) >= 10, atFirst + " and " + atSecond);
            since.expectFlows(
                    "one",
                    Flow.mutual("source", "client", "server", atFirst, atFirst * 500L, atFirst * 500L),
                    Flow.mutual("source", "client", "other", atSecond, atSecond * 500L, atSecond * 500L));
            since.expectFlows(
                    "two",
                    Flow.mutual("destination", "client", "server", atFirst, atFirst * 500L, atFirst * 500L),
                    Flow.mutual("destination", "client", "other", atSecond, atSecond * 500L, atSecond * 500L));
        }
    }

    private static int served(CommandResult server) {
        return Integer.parseInt(server.expectOk().out().replaceAll("(?s).*served (\\d+) failed 0.*", "$1"));
    }

    @ParameterizedTest
    @EnumSource
    void portThatTheServiceLacks_isReset(Family family) {
        Observation since = lab().observe();
        NetProbe.connect(lab().net(), ns("client"), family.pick(VIP4, VIP6), 81, "reset")
                .expectOk();
        LogEntry entry = since.onlyConnection("one");
        assertEquals("connection failed", entry.field("message"));
        assertTrue(entry.field("error").startsWith("no healthy upstream"), entry.toString());
    }

    @ParameterizedTest
    @EnumSource
    void closedPortOutsideTheMesh_clientSeesAReset(Family family) {
        Observation since = lab().observe();
        NetProbe.connect(lab().net(), ns("client"), family.of(ns("far")), 7999, "reset")
                .expectOk();
        since.expectFlows(
                "one",
                Flow.plain("source", Flow.End.unproven("client"), Flow.End.UNKNOWN, 1, 0, 0)
                        .closedWith(Map.of("CONNECT", 1L)));
    }

    @ParameterizedTest
    @EnumSource
    void httpRequestOfCurl_toAHostOutsideTheMesh(Family family) {
        Observation since = lab().observe();
        String url = "http://" + family.shown(family.of(ns("two"))) + ":15021/healthz/ready";
        CommandResult got = lab().net().exec(ns("client"), "curl", "--silent", "--fail", "--raw", "--include", url);
        assertTrue(got.expectOk().out().startsWith("HTTP/1.1 200"), got.out());
        LogEntry entry = since.onlyConnection("one");
        assertEquals(Integer.toString(got.out().length()), entry.field("bytes_recv"));
    }

    @ParameterizedTest
    @EnumSource
    void closedPort_clientSeesAReset(Family family) {
        Observation since = lab().observe();
        NetProbe.connect(lab().net(), ns("client"), family.of(ns("server")), 7999, "reset")
                .expectOk();
        since.expectFlows(
                "one", Flow.mutual("source", "client", "server", 1, 0, 0).closedWith(Map.of("CONNECT", 1L)));
        since.expectFlows(
                "two", Flow.mutual("destination", "client", "server", 1, 0, 0).closedWith(Map.of("CONNECT", 1L)));
        assertTrue(since.onlyConnection("one").field("error").contains("503"));
    }
}
