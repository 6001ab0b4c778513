package io.culvert.cli;

import java.time.InstantSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The {@code culvert} command. */
@Command(
        name = "culvert",
        description = "Asks a Culvert agent what it knows and tells it what to do.",
        mixinStandardHelpOptions = true,
        scope = ScopeType.INHERIT,
        versionProvider = VersionCommand.Provider.class,
        synopsisSubcommandLabel = "COMMAND",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:done",
            "1:the agent answered with an error, or its answer could not be understood",
            "2:the command line is wrong",
            "3:no agent answers"
        })
public final class Culvert implements Runnable {
    static final int REFUSED = 1;
    static final int UNREACHABLE = 3;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    private Culvert() {}

    /** Runs one command and exits with its code. */
    public static void main(String[] arguments) {
        System.exit(commandLine(InstantSource.system()).execute(arguments));
    }

    static CommandLine commandLine(InstantSource clock) {
        CommandLine command = new CommandLine(new Culvert());
        command.addSubcommand(new VersionCommand());
        command.addSubcommand(new CtlCommand(clock));
        command.setCaseInsensitiveEnumValuesAllowed(true);
        command.setExecutionExceptionHandler((failure, failed, parsed) -> {
            if (!(failure instanceof AgentException known)) {
                throw failure;
            }
            failed.getErr().println("culvert: " + failure.getMessage());
            failed.getErr().flush();
            return known.exitCode();
        });
        return command;
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "which command?");
    }
}
