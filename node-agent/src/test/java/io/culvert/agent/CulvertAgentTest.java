package io.culvert.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.config.AgentOptions;
import io.culvert.agent.config.Knob;
import io.culvert.cni.redirect.RedirectStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine.ParseResult;

final class CulvertAgentTest {
    @Test
    void takesADirectoryThatIsCalledLikeASubcommand() {
        ParseResult parsed = CulvertAgent.commandLine().parseArgs("--ca-dir", "ca", "--node-name", "redirect");
        assertFalse(parsed.hasSubcommand());
        assertEquals(
                "ca", parsed.matchedOption("--ca-dir").originalStringValues().getFirst());
        assertEquals(
                "redirect",
                parsed.matchedOption("--node-name").originalStringValues().getFirst());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '#',
            value = {
                "redirct remove X|'redirct' is no command, did you mean 'redirect'?; see 'culvert-agent --help'",
                "--node-name n agent|'agent' is no command; see 'culvert-agent --help'",
                "ztunnel proxy|'ztunnel' is no command; see 'culvert-agent --help'",
                "hlep|'hlep' is no command, did you mean 'help'?; see 'culvert-agent --help'",
                "--lgo=debug|'--lgo' is no option, did you mean '--log'?; see 'culvert-agent --help'",
                "--log|Missing required parameter for option '--log' (<filter>); see 'culvert-agent --help'",
                "ca init|Missing required parameter: 'DIR'; see 'culvert-agent ca init --help'",
                "ca inti d|'inti' is no command, did you mean 'init'?; see 'culvert-agent ca --help'",
                "ca init a b|'b' is one word too many; see 'culvert-agent ca init --help'",
                "redirect check --jsn X|'--jsn' is no option, did you mean '--json'?; see 'culvert-agent redirect check --help'",
            })
    void tellsWhatIsWrongWithACommandLine_inOneLine(String line, String told) {
        CommandRun run = CommandRun.of(line.split(" ", -1));
        assertEquals("culvert-agent: " + told + "\n", run.err());
        assertEquals(2, run.code());
        assertEquals("", run.out());
    }

    @Test
    void runsAsOtherAgentsAreStarted_withOptionsOnEitherSide() {
        ParseResult parsed = CulvertAgent.commandLine()
                .parseArgs("--node-name=a", "--log=warn", "proxy", "ztunnel", "redirect", "--log", "debug");
        ParseResult proxy = parsed.subcommand();
        assertEquals("proxy", proxy.commandSpec().name());
        assertFalse(proxy.hasSubcommand());
        assertEquals(Map.of(Knob.NODE_NAME, "a", Knob.LOG_FILTER, "debug"), AgentOptions.flags(proxy));
    }

    @Test
    void saysWhatIsMissing_whenStartedAsOtherAgentsAre() {
        CommandRun run = CommandRun.of("proxy", "ztunnel", "--role", "nobody");
        assertEquals(2, run.code());
        assertTrue(run.err().contains("node.role (--role): 'nobody' is unknown"), run.err());
    }

    @Test
    void tellsEveryMistakeInWhatItIsGivenOfTheMesh(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("local.yaml"), "workloads:\n- name: a\n  port: 1\n- name: a\n");
        CommandRun run = CommandRun.of(
                "--node-name=n", "--ca-dir=" + folder, "--local-xds-file=" + file, "--log=off", "--role=proxy");
        List<String> lines = run.err().lines().toList();
        assertEquals(2, lines.size(), run.err());
        assertTrue(
                lines.getFirst()
                        .startsWith("culvert-agent: cannot start: " + file
                                + ":3:3: workloads[0].port: unknown key 'port'; use one of applicationTunnel,"),
                run.err());
        assertEquals(
                file + ":4:3: workloads[1]: the uid local//Pod/default/a is taken by the entry on line 2;"
                        + " give each its own",
                lines.getLast());
        assertEquals(1, run.code());
    }

    @Test
    void tellsItsVersionAndHelps() {
        assertTrue(CommandRun.of("version").out().startsWith("culvert-agent "));
        assertEquals(CommandRun.of("--version").out(), CommandRun.of("version").out());
        assertTrue(CommandRun.of("help").out().contains("--node-name"));
        assertTrue(CommandRun.of("help", "redirect").out().contains("check"));
    }

    @Test
    void saysWhichArgumentIsNoNamespace(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "");
        for (String what : new String[] {"check", "remove"}) {
            CommandRun plain = CommandRun.of("redirect", what, file.toString());
            assertEquals(
                    "culvert-agent: " + file + " is no network namespace; name one, such as /run/netns/NAME\n",
                    plain.err());
            assertEquals(2, plain.code());
            CommandRun missing = CommandRun.of("redirect", what, "--json", folder + "/gone");
            assertTrue(missing.err().contains("gone does not exist; name a network namespace"), missing.err());
            assertEquals(2, missing.code());
        }
    }

    @Test
    void saysHowCapturedANamespaceIs_forPeopleAndForPrograms() throws IOException {
        Path netns = Path.of("/run/netns/a");
        RedirectStatus partly = new RedirectStatus.Partial(List.of("a \"rule\"", "b"));
        assertEquals("captured", RedirectCommand.text(new RedirectStatus.Captured()));
        assertEquals("not captured", RedirectCommand.text(new RedirectStatus.NotCaptured()));
        assertEquals("partly captured: a \"rule\"; b", RedirectCommand.text(partly));
        assertEquals(
                "{\"netns\":\"/run/netns/a\",\"status\":\"partly captured\",\"reasons\":[\"a \\\"rule\\\"\",\"b\"]}",
                RedirectCommand.json(netns, partly));
    }

    @Test
    void stillFindsItsSubcommands() {
        ParseResult parsed = CulvertAgent.commandLine().parseArgs("ca", "init", "ca");
        assertTrue(parsed.hasSubcommand());
        assertEquals(Path.of("ca"), parsed.subcommand().subcommand().matchedPositionalValue(0, Path.of("")));
    }
}
