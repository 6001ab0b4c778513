package io.culvert.systemtests.netns;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.systemtests.lab.AgentProcess;
import io.culvert.systemtests.lab.Flow;
import io.culvert.systemtests.lab.MeshLab;
import io.culvert.systemtests.lab.MeshLabExtension;
import io.culvert.systemtests.lab.Observation;
import io.culvert.testkit.CommandResult;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.NetProbe;
import io.culvert.testkit.Netns;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What becomes of the bytes, ends and resets of a connection, on every way through the agents. */
class StreamNetnsIT {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final int HUNDRED_MB = 100_000_000;
    private static final Pattern REPORT =
            Pattern.compile("sent=(\\d+) received=(\\d+)(?: sha256=([0-9a-f]+))? ms=(\\d+) ok");

    @RegisterExtension
    static final MeshLabExtension LAB = new MeshLabExtension(Way.builder());

    private static MeshLab lab() {
        return LAB.lab();
    }

    private static CommandResult connect(Way way, List<String> options, String... steps) {
        return way.connect(lab(), options, steps);
    }

    private static Matcher report(CommandResult probe) {
        Matcher found = REPORT.matcher(probe.expectOk().out());
        assertTrue(found.find(), probe.out());
        return found;
    }

    /** What both ends receive where no agent is: each end sends the same bytes in every test. */
    private static final class Direct {
        static final String HASHES = hashes();

        private static String hashes() {
            Netns far = lab().ns("far");
            try (LabProcess serving = NetProbe.serve(
                    lab().net(), far, Way.PORT, List.of("--accept", "1", "--hash"), "duplex:" + HUNDRED_MB, "eof")) {
                CommandResult direct = NetProbe.connect(
                        lab().net(),
                        lab().ns("legacy"),
                        far.ipv4(),
                        Way.PORT,
                        List.of("--hash"),
                        "duplex:" + HUNDRED_MB,
                        "fin",
                        "eof");
                return report(serving.await(LONG)).group(3) + " "
                        + report(direct).group(3);
            }
        }
    }

    private static void hundredMegabytes(Way way, String[] server, String[] client) {
        Observation since = lab().observe();
        try (LabProcess serving = way.serveOne(lab(), server)) {
            CommandResult through = connect(way, List.of("--hash"), client);
            String hashes =
                    report(serving.await(LONG)).group(3) + " " + report(through).group(3);
            assertEquals(Direct.HASHES, hashes);
        }
        way.expect(since, 1, HUNDRED_MB, HUNDRED_MB);
    }

    @ParameterizedTest
    @EnumSource
    void hundredMegabytesUpThenDown(Way way) {
        hundredMegabytes(way, new String[] {"recv:" + HUNDRED_MB, "send:" + HUNDRED_MB, "eof"}, new String[] {
            "send:" + HUNDRED_MB, "recv:" + HUNDRED_MB, "fin", "eof"
        });
    }

    @ParameterizedTest
    @EnumSource
    void hundredMegabytesBothWaysAtOnce(Way way) {
        hundredMegabytes(
                way, new String[] {"duplex:" + HUNDRED_MB, "eof"}, new String[] {"duplex:" + HUNDRED_MB, "fin", "eof"});
    }

    @ParameterizedTest
    @EnumSource
    void serverSpeaksFirst(Way way) {
        Observation since = lab().observe();
        try (LabProcess serving = way.serveOne(lab(), "say:220 ready\n", "hear:QUIT\n", "close")) {
            connect(way, List.of(), "hear:220 ready\n", "say:QUIT\n", "eof").expectOk();
            serving.await(LONG).expectOk();
        }
        way.expect(since, 1, 5, 10);
    }

    @ParameterizedTest
    @EnumSource
    void clientThatHasEnded_stillReceives(Way way) {
        Observation since = lab().observe();
        try (LabProcess serving = way.serveOne(lab(), "drain", "sleep:300", "send:2000000", "fin")) {
            connect(way, List.of(), "send:1000000", "fin", "silent:200", "recv:2000000", "eof")
                    .expectOk();
            serving.await(LONG).expectOk();
        }
        way.expect(since, 1, 1_000_000, 2_000_000);
    }

    @ParameterizedTest
    @EnumSource
    void serverThatHasEnded_stillReceives(Way way) {
        Observation since = lab().observe();
        try (LabProcess serving = way.serveOne(lab(), "send:1000000", "fin", "silent:200", "drain")) {
            connect(way, List.of(), "recv:1000000", "eof", "sleep:300", "send:2000000", "fin")
                    .expectOk();
            assertEquals("2000000", report(serving.await(LONG)).group(2));
        }
        way.expect(since, 1, 2_000_000, 1_000_000);
    }

    @ParameterizedTest
    @EnumSource
    void resetOfTheClient_isAResetAtTheServer(Way way) {
        Observation since = lab().observe();
        try (LabProcess serving = way.serveOne(lab(), "recv:1000", "send:1000", "reset")) {
            connect(way, List.of(), "send:1000", "recv:1000", "rst").expectOk();
            serving.await(LONG).expectOk();
        }
        way.expect(since, 1, 1000, 1000);
    }

    @ParameterizedTest
    @EnumSource
    void resetOfTheServer_isAResetAtTheClient(Way way) {
        Observation since = lab().observe();
        try (LabProcess serving = way.serveOne(lab(), "recv:1000", "send:1000", "hear:go", "rst")) {
            connect(way, List.of(), "send:1000", "recv:1000", "say:go", "reset").expectOk();
            serving.await(LONG).expectOk();
        }
        way.expect(since, 1, 1002, 1000);
    }

    @ParameterizedTest
    @EnumSource
    void resetOfTheClient_overtakesWhatASlowServerHasNotRead(Way way) {
        try (LabProcess serving = way.serve(
                lab(), List.of("--accept", "1", "--receive-buffer", "65536"), "say:go", "rate:500000", "reset")) {
            connect(way, List.of(), "hear:go", "send:2500000", "rst").expectOk();
            Matcher report = report(serving.await(LONG));
            assertTrue(Integer.parseInt(report.group(2)) < 2_500_000, report.group());
            assertTrue(Integer.parseInt(report.group(4)) < 4_000, report.group());
        }
    }

    @ParameterizedTest
    @EnumSource
    void resetOfTheServer_overtakesWhatASlowClientHasNotRead(Way way) {
        try (LabProcess serving = way.serve(lab(), List.of("--accept", "1"), "send:2500000", "rst")) {
            CommandResult slow = connect(way, List.of("--receive-buffer", "65536"), "rate:500000", "reset");
            Matcher report = report(slow);
            assertTrue(Integer.parseInt(report.group(2)) < 2_500_000, report.group());
            assertTrue(Integer.parseInt(report.group(4)) < 4_000, report.group());
            serving.await(LONG).expectOk();
        }
    }

    @Test
    void slowReaderHoldsItsSenderBack_andNobodyElse() {
        Way way = Way.TUNNEL_BETWEEN_NODES;
        Observation since = lab().observe();
        List<Long> before =
                lab().agents().stream().map(AgentProcess::residentBytes).toList();
        try (LabProcess slow = NetProbe.serve(
                        lab().net(),
                        lab().ns("server"),
                        7001,
                        List.of("--receive-buffer", "65536", "--quiet"),
                        "sleep:4000",
                        "drain",
                        "fin");
                LabProcess quick = way.serve(lab(), List.of("--quiet"), "echo");
                LabProcess held = NetProbe.spawnConnect(
                        lab().net(),
                        lab().ns("client"),
                        lab().ns("server").ipv4(),
                        7001,
                        List.of("--connections", "12", "--quiet"),
                        "send:40000000",
                        "fin",
                        "eof")) {
            Eventually.staysSo(
                    "a dozen connections whose readers stand still do not hold up others", LONG.dividedBy(24), () -> {
                        int ms = Integer.parseInt(report(connect(way, List.of(), "both:20000", "fin", "eof"))
                                .group(4));
                        return ms < 1_000;
                    });
            long up = since.flows("one").stream().mapToLong(Flow::up).sum();
            assertTrue(up < 12 * 20_000_000L, "the senders are held back, " + up + " bytes taken");
            for (int i = 0; i < before.size(); i++) {
                long grown = lab().agents().get(i).residentBytes() - before.get(i);
                assertTrue(grown < 150_000_000, "memory grew by " + grown);
            }
            held.await(LONG).expectOk();
            slow.stop().expectOk();
            quick.stop().expectOk();
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"TUNNEL_BETWEEN_NODES", "PLAINTEXT_IN", "PLAINTEXT_OUT"})
    void twoThousandConnectionsAtOnce(Way way) {
        Observation since = lab().observe();
        try (LabProcess serving = way.serve(lab(), List.of("--quiet", "--timeout-ms", "60000"), "echo")) {
            connect(
                            way,
                            List.of("--connections", "2000", "--quiet", "--timeout-ms", "60000"),
                            "both:3000",
                            "all",
                            "both:2000",
                            "fin",
                            "eof")
                    .expectOk();
            assertTrue(serving.stop().expectOk().out().contains("served 2000 failed 0 open 0"));
        }
        way.expect(since, 2000, 2000 * 5000L, 2000 * 5000L);
    }

    @Test
    void datagramsAndPingsAreLeftAlone() {
        Observation since = lab().observe();
        List<String> ends = List.of("client", "server", "legacy", "far");
        for (String to : ends) {
            try (LabProcess echo = NetProbe.serveUdp(lab().net(), lab().ns(to), 7007)) {
                for (String from : ends) {
                    for (var address : lab().ns(to).addresses()) {
                        NetProbe.ping(lab().net(), lab().ns(from), address).expectOk();
                        NetProbe.udp(lab().net(), lab().ns(from), address, 7007, 3)
                                .expectOk();
                    }
                }
                String heard = echo.stop().expectOk().out();
                ends.forEach(from -> assertTrue(
                        heard.contains("peer=" + lab().ns(from).ipv4().getHostAddress() + ":"), heard));
            }
        }
        since.expectFlows("one");
        since.expectFlows("two");
    }
}
