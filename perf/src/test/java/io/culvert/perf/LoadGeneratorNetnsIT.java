package io.culvert.perf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.testkit.CommandResult;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.Netns;
import io.culvert.testkit.NetnsLab;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The load generator, in its build with sanitizers: it must not lie about what it measured. */
class LoadGeneratorNetnsIT {
    private static final Path ROOT = Path.of(System.getProperty("culvert.root"));
    private static final String LOAD =
            ROOT.resolve("perf/target/culvert-load-san").toString();
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final List<String> CONNECTIONS =
            List.of("ss", "-tnHO", "state", "established", "sport", "=", ":9000");

    private NetnsLab lab;
    private Netns client;
    private Netns server;
    private LabProcess serving;

    @BeforeEach
    void startServer() {
        lab = NetnsLab.builder().node("a").pod("client", "a").pod("server", "a").build();
        client = lab.ns("client");
        server = lab.ns("server");
        serving = lab.spawn(server, LOAD, "server", "--listen", "::", "--port", "9000");
        serving.awaitLine("listening", SOON);
    }

    @AfterEach
    void removeLab() {
        lab.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "bulk --connections 1 --count 1",
                "bulk --connections 3 --count 10000001",
                "ping --connections 64 --count 2000",
                "ping --connections 3 --size 300000 --count 50",
                "connect --connections 16 --count 500",
                "open --connections 8 --rate 1000 --count 300",
                "idle --connections 500 --seconds 0.2"
            })
    void endsWellAndCountsWhatItWasAskedFor_overIpv4AndIpv6(String work) {
        for (var address : server.addresses()) {
            CommandResult result = load(address.getHostAddress(), 9000, work).expectOk();
            assertEquals(0, field(result, "failed"));
            assertEquals(0, field(result, "mismatched"));
            Matcher count = Pattern.compile("--count (\\d+)").matcher(work);
            if (count.find()) {
                assertEquals(
                        Long.parseLong(count.group(1)),
                        field(result, work.startsWith("bulk") ? "bytes" : "operations"));
            }
        }
        assertEquals(0, field(serving.stop().expectOk(), "broken"));
    }

    @Test
    void takesTheTimeItIsGivenAndNoMore() {
        CommandResult result = load(v4(), 9000, "ping --seconds 0.5").expectOk();
        double seconds = decimal(result, "seconds");
        assertTrue(seconds >= 0.45 && seconds < 2, result.toString());
        assertTrue(field(result, "operations") > 100, result.toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"bulk", "ping", "open --rate 1000 --connections 4", "idle"})
    void endsInOrder_whenTold(String work) {
        LabProcess loading = lab.spawn(client, command(v4(), 9000, work + " --seconds 60"));
        Eventually.holds(
                "a connection", SOON, () -> !lab.exec(server, CONNECTIONS).out().isBlank());
        CommandResult result = loading.stop().expectOk();
        assertEquals(0, field(result, "failed"));
        assertEquals(0, field(serving.stop().expectOk(), "mismatched"));
    }

    @Test
    void countsTheLatencyOfAnOpenLoop_fromTheIntendedTime() {
        standStill();
        CommandResult result = load(v4(), 9000, "open --connections 4 --rate 500 --seconds 1");
        result.expectOk();
        assertTrue(decimal(result, "max") > 100_000, "a server that stood still must show: " + result);
        assertEquals(500, field(result, "operations"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"ping --count 100", "connect --count 1", "open --rate 1000 --count 100", "idle --seconds 0.1"})
    void failsOnOneSpoiledByteOfAnAnswer(String work) {
        relay("answer", 130);
        CommandResult result = load("127.0.0.1", 9001, work).expectExit(1);
        assertEquals(1, field(result, "mismatched"));
    }

    @Test
    void failsOnOneSpoiledByteOfBulk() {
        relay("request", 1_234_567);
        CommandResult result = load("127.0.0.1", 9001, "bulk --count 5000000").expectExit(1);
        assertEquals(1, field(result, "mismatched"));
        serving.stop().expectExit(1);
    }

    @Test
    void failsOnOneSpoiledByteOfARequest() {
        relay("request", 100);
        CommandResult result = load("127.0.0.1", 9001, "ping --count 100").expectExit(3);
        assertTrue(field(result, "failed") > 0, result.toString());
        serving.stop().expectExit(1);
    }

    @Test
    void countsRefusedConnectionsAsFailed() {
        CommandResult result =
                load(v4(), 9999, "connect --count 10 --connections 5").expectExit(3);
        assertEquals(0, field(result, "operations"));
        assertTrue(field(result, "failed") > 0, result.toString());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"ping --connections 0", "ping --rate 5", "open", "dance", "ping --seconds -1", "ping --size 2e9"
            })
    void refusesWhatItCannotDo(String work) {
        load(v4(), 9000, work).expectExit(2);
    }

    /** Halts the server for 300 ms in the middle of what comes next. */
    private void standStill() {
        long pid = serving.pid();
        lab.spawn(server, "sh", "-c", "sleep 0.3; kill -STOP " + pid + "; sleep 0.3; kill -CONT " + pid);
    }

    private void relay(String side, int at) {
        lab.spawn(
                        client,
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        ROOT.resolve("perf/target/test-classes").toString(),
                        "io.culvert.perf.CorruptingRelay",
                        "9001",
                        v4(),
                        "9000",
                        side,
                        Integer.toString(at))
                .awaitLine("relaying", SOON);
    }

    private String v4() {
        return server.ipv4().getHostAddress();
    }

    private CommandResult load(String address, int port, String work) {
        return lab.exec(client, command(address, port, work));
    }

    private static List<String> command(String address, int port, String work) {
        List<String> command = new ArrayList<>(
                List.of(LOAD, "client", "--to", address, "--port", Integer.toString(port), "--wait", "5", "--work"));
        command.addAll(List.of(work.split(" ")));
        return command;
    }

    private static long field(CommandResult result, String name) {
        return (long) decimal(result, name);
    }

    private static double decimal(CommandResult result, String name) {
        Matcher found = Pattern.compile("\"" + name + "\":([0-9.]+)").matcher(result.out());
        assertTrue(found.find(), "no " + name + " in " + result);
        return Double.parseDouble(found.group(1));
    }
}
