package io.culvert.agent.config;

import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/** The knobs as command-line options. */
public final class AgentOptions {
    private static final String CONFIG = "--config";

    private AgentOptions() {}

    /** Adds {@code --config} and one option for each knob to a command, in the table's order. */
    public static void addTo(CommandSpec command) {
        command.usageMessage().abbreviateSynopsis(true).sortOptions(false);
        command.addOption(OptionSpec.builder(CONFIG)
                .type(Path.class)
                .paramLabel("<path>")
                .description("The configuration file. [" + ConfigInputs.FILE_VARIABLE + "]")
                .build());
        for (Knob knob : Knob.values()) {
            command.addOption(option(knob));
        }
    }

    /** What was given on the command line. */
    public static Map<Knob, String> flags(ParseResult parsed) {
        Map<Knob, String> flags = new EnumMap<>(Knob.class);
        for (Knob knob : Knob.values()) {
            if (parsed.hasMatchedOption(knob.flag())) {
                flags.put(knob, parsed.<String>matchedOptionValue(knob.flag(), ""));
            }
        }
        return flags;
    }

    /** The file that {@code --config} names. */
    public static @Nullable Path file(ParseResult parsed) {
        return parsed.<@Nullable Path>matchedOptionValue(CONFIG, null);
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
