package io.culvert.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class NetnsLabTest {
    private static final Duration LONG = Duration.ofSeconds(20);

    private final NetnsLab lab = NetnsLab.builder()
            .node("one")
            .node("two")
            .pod("client", "one")
            .pod("server", "two")
            .outside("far")
            .build();

    @AfterAll
    void close() {
        lab.close();
    }

    private Stream<InetAddress> everyAddress() {
        return lab.all().stream().flatMap(ns -> ns.addresses().stream());
    }

    @Test
    void everyMemberReachesEveryOther_inBothFamilies() {
        List<LabProcess> servers = lab.all().stream()
                .map(ns -> NetProbe.serve(lab, ns, 7000, "echo"))
                .toList();
        for (Netns from : lab.all()) {
            everyAddress()
                    .forEach(to -> NetProbe.connect(lab, from, to, 7000, "send:100", "back:100", "fin", "eof")
                            .expectOk());
        }
        servers.forEach(server -> server.stop().expectOk());
    }

    @Test
    void probeMovesStreamsBothWaysAndNamesThemByHash() {
        try (LabProcess server =
                NetProbe.serve(lab, lab.ns("server"), 7001, List.of("--hash"), "duplex:3000000", "fin", "eof")) {
            CommandResult run = NetProbe.connect(
                    lab,
                    lab.ns("client"),
                    lab.ns("server").v6(),
                    7001,
                    List.of("--hash"),
                    "duplex:3000000",
                    "fin",
                    "eof");
            assertTrue(run.expectOk().out().contains("received=3000000 sha256="), run.out());
            String peer = "peer=[" + lab.ns("client").v6().getHostAddress().replaceAll("(^|:)0(:0)+(:|$)", "::");
            assertTrue(server.stop().expectOk().out().contains(peer), peer);
        }
    }

    @Test
    void probeFailsWhenTheServerCloses_whereItShouldReset() {
        NetProbe.serve(lab, lab.ns("server"), 7002, "recv:10", "close");
        InetAddress to = lab.ns("server").ipv4();
        NetProbe.connect(lab, lab.ns("client"), to, 7002, "send:10", "eof").expectOk();
        NetProbe.connect(lab, lab.ns("client"), to, 7002, "send:10", "closed").expectOk();
        NetProbe.connect(lab, lab.ns("client"), to, 7002, "send:10", "reset").expectExit(1);
    }

    @Test
    void probeTellsAResetFromAnOrderlyEnd() {
        LabProcess server = NetProbe.serve(lab, lab.ns("server"), 7003, "recv:10", "rst");
        InetAddress to = lab.ns("server").ipv4();
        NetProbe.connect(lab, lab.ns("client"), to, 7003, "send:10", "reset").expectOk();
        NetProbe.connect(lab, lab.ns("client"), to, 7003, "send:10", "eof").expectExit(1);
        server.stop().expectOk();
        NetProbe.connect(lab, lab.ns("client"), to, 7003, "refused").expectOk();
        NetProbe.connect(lab, lab.ns("client"), to, 7003, "send:1").expectExit(1);
    }

    @Test
    void probeFindsBytesThatAreNotTheStream() {
        NetProbe.serve(lab, lab.ns("server"), 7004, "say:hello", "echo");
        InetAddress to = lab.ns("server").ipv4();
        NetProbe.connect(lab, lab.ns("client"), to, 7004, "hear:hello", "silent:50", "say:x", "hear:x", "fin", "eof")
                .expectOk();
        CommandResult wrong = NetProbe.connect(lab, lab.ns("client"), to, 7004, "recv:5");
        assertTrue(wrong.expectExit(1).out().contains("wrong byte at offset 0"), wrong.out());
        NetProbe.connect(lab, lab.ns("client"), to, 7004, "silent:50").expectExit(1);
    }

    @Test
    void probeHoldsFiveHundredConnectionsOpenAtOnce() {
        LabProcess server = NetProbe.serve(lab, lab.ns("server"), 7005, List.of("--quiet"), "echo");
        NetProbe.connect(
                        lab,
                        lab.ns("client"),
                        lab.ns("server").ipv4(),
                        7005,
                        List.of("--connections", "500", "--quiet"),
                        "send:100",
                        "back:100",
                        "all",
                        "fin",
                        "eof")
                .expectOk();
        assertEquals(
                "served 500 failed 0 open 0",
                server.stop().expectOk().out().lines().toList().getLast());
    }

    @Test
    void slowReaderHoldsTheSenderBack() {
        NetProbe.serve(
                lab, lab.ns("server"), 7006, List.of("--receive-buffer", "8192"), "rate:4000000", "drain", "fin");
        CommandResult run =
                NetProbe.connect(lab, lab.ns("client"), lab.ns("server").ipv4(), 7006, "send:2000000", "fin", "eof");
        int ms = Integer.parseInt(run.expectOk().out().replaceAll("(?s).* ms=(\\d+) ok.*", "$1"));
        assertTrue(ms >= 300, run.out());
    }

    @Test
    void datagramsComeBack() {
        NetProbe.serveUdp(lab, lab.ns("server"), 7007);
        for (InetAddress to : lab.ns("server").addresses()) {
            NetProbe.udp(lab, lab.ns("client"), to, 7007, 10).expectOk();
        }
        NetProbe.udp(lab, lab.ns("client"), lab.ns("server").ipv4(), 7999, 1).expectExit(1);
    }

    @Test
    void addressOfAServiceIsReachedThroughTheRouter() {
        lab.addAddress(lab.ns("server"), "10.96.0.7");
        lab.addAddress(lab.ns("server"), "fd96::7");
        NetProbe.serve(lab, lab.ns("server"), 7008, "echo");
        for (String vip : List.of("10.96.0.7", "fd96::7")) {
            NetProbe.connect(lab, lab.ns("client"), InetAddress.ofLiteral(vip), 7008, "send:1", "back:1", "fin", "eof")
                    .expectOk();
        }
    }

    @Test
    void processesAreEndedAndNamespacesRemoved_whenTheLabCloses() {
        LabProcess sleeper;
        Path path;
        try (NetnsLab other =
                NetnsLab.builder().withoutIpv6().node("n").pod("p", "n").build()) {
            path = other.ns("p").path();
            assertTrue(Files.exists(path));
            sleeper = other.spawn(other.ns("p"), "sleep", "600");
            assertTrue(sleeper.isAlive());
            assertEquals(
                    "", other.exec(other.ns("p"), "ip", "-6", "addr").expectOk().out());
            assertThrows(IllegalStateException.class, () -> other.ns("p").v6());
        }
        assertFalse(Files.exists(path));
        assertFalse(sleeper.isAlive());
    }

    @Test
    void lineThatNeverComesFailsWithWhatWasSaid() {
        LabProcess said = lab.spawn(lab.ns("client"), "echo", "something else");
        AssertionError late = assertThrows(AssertionError.class, () -> said.awaitLine("listening", LONG));
        assertTrue(String.valueOf(late.getMessage()).contains("something else"));
    }

    @Test
    void namespacesOfAJvmThatWasKilledAreSweptByTheNextLab() {
        // No process has this id: it is past the kernel's largest.
        Commands.run(LONG, List.of("ip", "netns", "add", "cv4194999x1-left")).expectOk();
        NetnsLab.builder().build().close();
        assertFalse(Files.exists(Path.of("/run/netns/cv4194999x1-left")));
    }
}
