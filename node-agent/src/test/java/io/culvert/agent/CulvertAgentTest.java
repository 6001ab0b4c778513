package io.culvert.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
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

    @Test
    void stillFindsItsSubcommands() {
        ParseResult parsed = CulvertAgent.commandLine().parseArgs("ca", "init", "ca");
        assertTrue(parsed.hasSubcommand());
        assertEquals(Path.of("ca"), parsed.subcommand().subcommand().matchedPositionalValue(0, Path.of("")));
    }
}
