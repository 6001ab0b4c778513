package io.culvert.agent.config;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/** The knobs as command-line options. */
public final class AgentOptions {
    private static final String CONFIG = "--config";

    private AgentOptions() {}

    /** Adds {@code --config} and one option for each knob to a command, in the table's order. */
    public static void addTo(CommandSpec command) {
        addTo(command, EnumSet.allOf(Knob.class));
    }

    /** Adds {@code --config} and one option for each of these knobs to a command, in the table's order. */
    public static void addTo(CommandSpec command, Set<Knob> knobs) {
        command.usageMessage().abbreviateSynopsis(true).sortOptions(false);
        command.addOption(OptionSpec.builder(CONFIG)
                .type(Path.class)
                .paramLabel("<path>")
                .description("The configuration file. [" + ConfigInputs.FILE_VARIABLE + "]")
                .build());
        for (Knob knob : EnumSet.copyOf(knobs)) {
            command.addOption(option(knob));
        }
    }

    /** What was given on the command line, to this command or to those that it belongs to; the nearest wins. */
    public static Map<Knob, String> flags(ParseResult parsed) {
        Map<Knob, String> flags = new EnumMap<>(Knob.class);
        for (ParseResult each : withThoseAbove(parsed)) {
            for (Knob knob : Knob.values()) {
                if (each.hasMatchedOption(knob.flag())) {
                    flags.putIfAbsent(knob, each.<String>matchedOptionValue(knob.flag(), ""));
                }
            }
        }
        return flags;
    }

    /** The file that {@code --config} names, for this command or for those that it belongs to. */
    public static @Nullable Path file(ParseResult parsed) {
        for (ParseResult each : withThoseAbove(parsed)) {
            Path file = each.<@Nullable Path>matchedOptionValue(CONFIG, null);
            if (file != null) {
                return file;
            }
        }
        return null;
    }

    private static List<ParseResult> withThoseAbove(ParseResult parsed) {
        List<ParseResult> all = new ArrayList<>(List.of(parsed));
        CommandLine above = parsed.commandSpec().commandLine().getParent();
        for (; above != null; above = above.getParent()) {
            all.add(above.getParseResult());
        }
        return all;
    }

    private static OptionSpec option(Knob knob) {
        OptionSpec.Builder option = OptionSpec.builder(knob.flag())
                .type(String.class)
                .paramLabel("<" + knob.type().label() + ">")
                .description(description(knob));
        if (knob.type() == KnobType.BOOLEAN) {
            option.arity("0..1").fallbackValue("true");
        }
        return option.build();
    }

    private static String description(Knob knob) {
        StringBuilder text = new StringBuilder(knob.doc().replace('`', '\''));
        if (!knob.choices().isEmpty()) {
            text.append(" One of ").append(String.join(", ", knob.choices())).append('.');
        }
        knob.defaultText()
                .filter(value -> !value.isEmpty())
                .ifPresent(value -> text.append(" Default: ").append(value).append('.'));
        text.append(" [").append(String.join(", ", knob.environment())).append(']');
        return text.toString().replace("%", "%%");
    }
}
