package io.culvert.agent;

import java.io.PrintWriter;
import java.util.function.ToIntBiFunction;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParseResult;

/** A subcommand's work, hung on its {@link CommandSpec}. */
final class Subcommand {
    private final ToIntBiFunction<ParseResult, PrintWriter> work;

    private Subcommand(ToIntBiFunction<ParseResult, PrintWriter> work) {
        this.work = work;
    }

    /** A command that does this work; it gets what was parsed and where to print, and answers an exit code. */
    static CommandSpec of(String description, ToIntBiFunction<ParseResult, PrintWriter> work) {
        CommandSpec spec = CommandSpec.wrapWithoutInspection(new Subcommand(work));
        spec.usageMessage().description(description);
        spec.mixinStandardHelpOptions(true);
        return spec;
    }

    static int run(ParseResult parsed) {
        CommandLine commandLine = parsed.commandSpec().commandLine();
        if (parsed.commandSpec().userObject() instanceof Subcommand command) {
            int code = command.work.applyAsInt(parsed, commandLine.getOut());
            commandLine.getOut().flush();
            return code;
        }
        commandLine.usage(commandLine.getErr());
        return CulvertAgent.MISUSED;
    }
}
