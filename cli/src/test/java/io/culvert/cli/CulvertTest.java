package io.culvert.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.culvert.testkit.Golden;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

@Timeout(60)
class CulvertTest {
    private static final Instant NOW = Instant.parse("2026-11-23T13:00:00Z");

    private record Run(int code, String out, String err) {}

    private static Run run(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine command = Culvert.commandLine(() -> NOW)
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err))
                .setColorScheme(CommandLine.Help.defaultColorScheme(CommandLine.Help.Ansi.OFF));
        return new Run(command.execute(arguments), out.toString(), err.toString());
    }

    /** What the agent's own test holds its dump against, so that both modules mean the same. */
    private static String dump() throws IOException {
        Path root = Path.of(System.getProperty("culvert.root", ".."));
        return Files.readString(root.resolve("node-agent/src/test/resources/golden/config_dump.json"));
    }

    private static Run ctl(FakeAgent agent, String... arguments) {
        List<String> all = new ArrayList<>(List.of("ctl", "--address", agent.address(), "--color=never"));
        all.addAll(List.of(arguments));
        return run(all.toArray(String[]::new));
    }

    @ParameterizedTest
    @ValueSource(strings = {"workloads", "services", "policies", "certificates", "pods", "connections", "config"})
    void showsATable(String what) throws IOException {
        try (FakeAgent agent = new FakeAgent(200, dump())) {
            Run run = ctl(agent, what);
            assertEquals(0, run.code(), run.err());
            assertTrue(agent.requests().stream().allMatch("GET /config_dump"::equals));
            Golden.assertMatches("ctl-" + what + ".txt", run.out());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "workloads, workloads",
        "services, services",
        "policies, policies",
        "certificates, certificates",
        "pods, workloadState",
        "connections, workloadState"
    })
    void showsTheSection_asJson(String what, String section) throws IOException {
        ObjectMapper json = new ObjectMapper();
        try (FakeAgent agent = new FakeAgent(200, dump())) {
            Run run = ctl(agent, what, "-o", "json");
            assertEquals(0, run.code(), run.err());
            assertEquals(json.readTree(dump()).get(section), json.readTree(run.out()));
        }
    }

    @Test
    void showsSeveralSections_asOneObject() throws IOException {
        ObjectMapper json = new ObjectMapper();
        try (FakeAgent agent = new FakeAgent(200, dump())) {
            Run run = ctl(agent, "config", "--output=json");
            assertEquals(
                    List.of("version", "config", "meshFile", "agent"),
                    json.readTree(run.out()).properties().stream()
                            .map(Map.Entry::getKey)
                            .toList());
        }
    }

    @Test
    void paints_whenAsked() throws IOException {
        try (FakeAgent agent = new FakeAgent(200, dump())) {
            Run run = run("ctl", "policies", "--address", agent.address(), "--color=always");
            assertTrue(run.out().contains("\u001b[32mAllow\u001b[0m"), run.out());
            assertTrue(run.out().startsWith("\u001b[1mNAMESPACE\u001b[0m"), run.out());
        }
    }

    @Test
    void showsTitles_whenThereIsNothing() throws IOException {
        try (FakeAgent agent = new FakeAgent(200, "{\"workloads\":[]}")) {
            assertEquals(1, ctl(agent, "workloads").out().lines().count());
            assertEquals(1, ctl(agent, "policies").out().lines().count());
        }
    }

    @Test
    void showsAndChangesTheLogFilter() throws IOException {
        try (FakeAgent agent = new FakeAgent(200, "current log level is info\n")) {
            assertEquals("current log level is info\n", ctl(agent, "log").out());
            ctl(agent, "log", "warn,access=debug");
            ctl(agent, "log", "--reset", "info");
            assertEquals(
                    List.of(
                            "POST /logging?level=",
                            "POST /logging?level=warn%2Caccess%3Ddebug",
                            "POST /logging?level=info&reset"),
                    agent.requests());
        }
    }

    @Test
    void drains_underBothNames() throws IOException {
        try (FakeAgent agent = new FakeAgent(200, "shutdown now\n")) {
            assertEquals(0, ctl(agent, "drain").code());
            assertEquals("shutdown now\n", ctl(agent, "quit").out());
            assertEquals(List.of("POST /quitquitquit", "POST /quitquitquit"), agent.requests());
        }
    }

    @Test
    void saysWhatToCheck_whenNoAgentAnswers() throws IOException {
        int free;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            free = socket.getLocalPort();
        }
        Run run = run("ctl", "workloads", "--address", "127.0.0.1:" + free);
        assertEquals(3, run.code());
        assertTrue(run.err().startsWith("culvert: no agent answers at http://127.0.0.1:" + free), run.err());
        assertTrue(run.err().contains("--admin-port"), run.err());
        assertEquals("", run.out());
    }

    @Test
    void repeatsWhyTheAgentRefused_withoutWhatATerminalActsOn() throws IOException {
        try (FakeAgent agent = new FakeAgent(400, "'loud' is no level\u001b[2J\n")) {
            Run run = ctl(agent, "log", "loud");
            assertEquals(1, run.code());
            assertEquals("culvert: the agent answered 400: 'loud' is no level?[2J\n", run.err());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "[]", "not json", "{\"workloads\":[{\"name\":", "{\"workloads\":[1,2"})
    void saysSo_whenTheAnswerCannotBeUnderstood(String answer) throws IOException {
        try (FakeAgent agent = new FakeAgent(200, answer)) {
            Run run = ctl(agent, "workloads");
            assertEquals(1, run.code(), run.out());
            assertTrue(run.err().startsWith("culvert: the agent's answer cannot be understood"), run.err());
        }
    }

    @Test
    void boundsNesting() throws IOException {
        try (FakeAgent agent = new FakeAgent(200, "{\"workloads\":" + "[".repeat(100_000))) {
            assertEquals(1, ctl(agent, "workloads").code());
        }
    }

    @Test
    void takesOutWhatATerminalActsOn() throws IOException {
        String hostile = "{\"policies\":[{\"name\":\"a\\u001b[31mb\\nc\\u202e\",\"action\":\"Deny\"}]}";
        try (FakeAgent agent = new FakeAgent(200, hostile)) {
            String out = ctl(agent, "policies").out();
            assertTrue(out.contains("a?[31mb?c?"), out);
            assertEquals(2, out.lines().count());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "nonsense",
                "127.0.0.1",
                "https://127.0.0.1:15000",
                "127.0.0.1:15000/x",
                "http://",
                ":15000",
                "127.0.0.1:99999",
                "127.0.0.1:65536",
                "[::1]:4294967297",
                "127.0.0.1:0",
                "a b:1"
            })
    void refusesOtherAddresses(String address) {
        Run run = run("ctl", "workloads", "--address", address);
        assertEquals(2, run.code());
        assertTrue(run.err().contains("is no address; write HOST:PORT"), run.err());
    }

    @Test
    void tellsItsVersion() throws IOException {
        Run text = run("version");
        assertEquals(0, text.code());
        assertTrue(text.out().matches("culvert [0-9][^ $]* \\([^ $]+, Java 25\\)\\R"), text.out());
        Run json = run("version", "-o", "json");
        assertTrue(
                new ObjectMapper().readTree(json.out()).path("version").asText().startsWith("0."), json.out());
        assertEquals(text.out(), run("--version").out());
    }

    @Test
    void explainsItself() {
        assertEquals(2, run().code());
        assertEquals(2, run("ctl").code());
        assertEquals(2, run("ctl", "nonsense").code());
        assertTrue(run("ctl", "log", "--help").out().contains("--reset"));
        Golden.assertMatches(
                "help.txt", run("--help").out() + run("ctl", "--help").out());
    }
}
