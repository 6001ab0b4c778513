package io.culvert.agent.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.culvert.testkit.Golden;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

class AgentOptionsTest {
    private static CommandLine command() {
        CommandSpec spec = CommandSpec.create().name("culvert-agent");
        AgentOptions.addTo(spec);
        return new CommandLine(spec);
    }

    @Test
    void readsFlags() {
        CommandLine.ParseResult parsed =
                command().parseArgs("--admin-port=1", "--log", "info,access=debug", "--ipv6=false", "--user-timeout");
        assertEquals(
                Map.of(
                        Knob.ADMIN_PORT, "1",
                        Knob.LOG_FILTER, "info,access=debug",
                        Knob.IPV6_ENABLED, "false",
                        Knob.USER_TIMEOUT_ENABLED, "true"),
                AgentOptions.flags(parsed));
        assertNull(AgentOptions.file(parsed));
    }

    @Test
    void readsTheFile() {
        assertEquals(Path.of("x.yaml"), AgentOptions.file(command().parseArgs("--config", "x.yaml")));
    }

    @Test
    void refusesOtherFlags() {
        assertThrows(
                CommandLine.UnmatchedArgumentException.class, () -> command().parseArgs("--admn-port=1"));
    }

    @Test
    void helpTellsOfEveryKnob() {
        Golden.assertMatches(
                "agent-help.txt", command().setUsageHelpWidth(100).getUsageMessage(CommandLine.Help.Ansi.OFF));
    }
}
