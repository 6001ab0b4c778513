package io.culvert.agent;

import io.culvert.agent.config.Suggestion;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Tells in one line what is wrong with a command line, and what was probably meant. */
final class Misuse {
    private Misuse() {}

    static int tell(ParameterException wrong) {
        CommandLine command = wrong.getCommandLine();
        command.getErr()
                .println("culvert-agent: " + sentence(wrong, command) + "; see '"
                        + command.getCommandSpec().qualifiedName() + " --help'");
        command.getErr().flush();
        return CulvertAgent.MISUSED;
    }

    private static String sentence(ParameterException wrong, CommandLine command) {
        if (!(wrong instanceof UnmatchedArgumentException unmatched)) {
            return String.valueOf(wrong.getMessage()).lines().findFirst().orElse("the command line is wrong");
        }
        String word = unmatched.getUnmatched().getFirst();
        if (word.startsWith("-")) {
            Set<String> options = command.getCommandSpec().optionsMap().keySet();
            String name = word.replaceFirst("=.*", "");
            return "'" + shown(name) + "' is no option" + meant(name, options);
        }
        Set<String> commands = command.getSubcommands().keySet();
        return commands.isEmpty()
                ? "'" + shown(word) + "' is one word too many"
                : "'" + shown(word) + "' is no command" + meant(word, commands);
    }

    private static String meant(String typed, Set<String> known) {
        return Suggestion.nearest(typed, known)
                .map(near -> ", did you mean '" + near + "'?")
                .orElse("");
    }

    private static String shown(String word) {
        String most = word.length() <= 80 ? word : word.substring(0, 80) + "...";
        return most.replaceAll("\\p{Cntrl}", "?");
    }
}
