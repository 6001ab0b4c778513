package io.culvert.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code culvert version}: what this command was built from. */
@Command(name = "version", description = "What this command was built from.")
final class VersionCommand implements Runnable {
    /** How it is written. */
    enum Format {
        TEXT,
        JSON
    }

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Option(
            names = {"-o", "--output"},
            paramLabel = "<format>",
            defaultValue = "text",
            description = "One of text, json. Default: ${DEFAULT-VALUE}.")
    private Format format = Format.TEXT;

    @Override
    public void run() {
        Properties build = build();
        String version = build.getProperty("version", "unknown");
        String revision = build.getProperty("revision", "unknown");
        String line = switch (format) {
            case TEXT -> text(version, revision);
            case JSON ->
                "{\"version\":\"" + version + "\",\"revision\":\"" + revision + "\",\"java\":\"" + Runtime.version()
                        + "\"}";
        };
        spec.commandLine().getOut().println(line);
        spec.commandLine().getOut().flush();
    }

    private static String text(String version, String revision) {
        return "culvert " + version + " (" + revision + ", Java "
                + Runtime.version().feature() + ")";
    }

    private static Properties build() {
        Properties build = new Properties();
        try (InputStream in = VersionCommand.class.getResourceAsStream("build.properties")) {
            if (in != null) {
                build.load(in);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return build;
    }

    /** For {@code --version}. */
    static final class Provider implements IVersionProvider {
        @Override
        public String[] getVersion() {
            Properties build = build();
            return new String[] {text(build.getProperty("version", "unknown"), build.getProperty("revision", "unknown"))
            };
        }
    }
}
