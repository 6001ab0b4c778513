package io.culvert.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** {@code culvert ctl}: asks an agent over its admin port. */
@Command(name = "ctl", description = "Asks an agent over its admin port.", synopsisSubcommandLabel = "COMMAND")
final class CtlCommand implements Runnable {
    private static final String DUMP = "/config_dump";

    /** How an answer is written. */
    enum Format {
        TABLE,
        JSON
    }

    /** When colours are used. */
    enum Colour {
        AUTO,
        ALWAYS,
        NEVER
    }

    private final InstantSource clock;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--address",
            paramLabel = "<host:port>",
            defaultValue = "127.0.0.1:15000",
            scope = ScopeType.INHERIT,
            description = "The agent's admin port. Default: ${DEFAULT-VALUE}.")
    private String address = "";

    @Option(
            names = {"-o", "--output"},
            paramLabel = "<format>",
            defaultValue = "table",
            scope = ScopeType.INHERIT,
            description = "One of table, json. Default: ${DEFAULT-VALUE}.")
    private Format format = Format.TABLE;

    @Option(
            names = "--color",
            paramLabel = "<when>",
            defaultValue = "auto",
            scope = ScopeType.INHERIT,
            description = "One of auto (on a terminal), always, never. Default: ${DEFAULT-VALUE}.")
    private Colour colour = Colour.AUTO;

    CtlCommand(InstantSource clock) {
        this.clock = clock;
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "which of the commands of ctl?");
    }

    @Command(name = "workloads", description = "The workloads of the mesh.")
    void workloads() throws AgentException {
        list(Views.WORKLOADS);
    }

    @Command(name = "services", description = "The services of the mesh, with how many of their endpoints are healthy.")
    void services() throws AgentException {
        list(Views.SERVICES);
    }

    @Command(name = "policies", description = "The authorization policies of the mesh.")
    void policies() throws AgentException {
        list(Views.POLICIES);
    }

    @Command(name = "certificates", description = "The certificates of this node's workloads.")
    void certificates() throws AgentException {
        list(Views.certificates(clock));
    }

    @Command(name = "pods", description = "The pods of this node, and why one is not served.")
    void pods() throws AgentException {
        list(Views.PODS);
    }

    @Command(name = "connections", description = "The open connections of this node's pods.")
    void connections() throws AgentException {
        list(Views.CONNECTIONS);
    }

    @Command(
            name = "config",
            description = "The agent's settings and where each came from, its version, and the state of its mesh file.")
    void config() throws AgentException {
        if (format == Format.JSON) {
            copy(Set.of("config", "version", "agent", "meshFile"));
            return;
        }
        Map<String, String> facts = new HashMap<>();
        table(Views.CONFIG);
        each("version", (key, value) -> facts.put("version." + key, value.asText()));
        each("agent", (key, value) -> facts.put("agent." + key, value.asText()));
        each("meshFile", (key, value) -> facts.put("mesh." + key, value.isNull() ? "" : value.asText()));
        PrintWriter out = out();
        out.println();
        print("version", facts.getOrDefault("version.version", ""), Tone.PLAIN);
        print("role", facts.getOrDefault("agent.role", ""), Tone.PLAIN);
        print("mesh file", facts.getOrDefault("mesh.path", ""), Tone.PLAIN);
        print("mesh version", facts.getOrDefault("mesh.version", ""), Tone.PLAIN);
        String problem = facts.getOrDefault("mesh.lastError", "");
        print("mesh problem", problem.isEmpty() ? "none" : problem, problem.isEmpty() ? Tone.GOOD : Tone.BAD);
        out.flush();
    }

    @Command(name = "log", description = "Shows what the agent logs, or changes it.")
    void log(
            @Parameters(
                            arity = "0..1",
                            paramLabel = "<filter>",
                            defaultValue = "",
                            description = "A level, or target=level, separated by commas; laid over what is in force.")
                    String filter,
            @Option(names = "--reset", description = "Lay it over what was in force when the agent started.")
                    boolean reset)
            throws AgentException {
        String level = URLEncoder.encode(filter, StandardCharsets.UTF_8);
        try (AdminClient agent = agent()) {
            out().print(agent.post("/logging?level=" + level + (reset ? "&reset" : "")));
            out().flush();
        }
    }

    @Command(
            name = "drain",
            aliases = "quit",
            description = "Tells the agent to end its connections within its deadline, and then itself.")
    void drain() throws AgentException {
        try (AdminClient agent = agent()) {
            out().print(agent.post("/quitquitquit"));
            out().flush();
        }
    }

    private void list(View view) throws AgentException {
        if (format == Format.JSON) {
            copy(Set.of(view.section()));
        } else {
            table(view);
        }
    }

    private void table(View view) throws AgentException {
        Table table = new Table(view.titles());
        each(view.section(), (key, value) -> view.rows().apply(key, value).forEach(table::add));
        PrintWriter out = out();
        table.print(out, colours());
        out.flush();
    }

    private void print(String name, String value, Tone tone) {
        Cell cell = new Cell(value, tone);
        out().println((name + ":             ").substring(0, 14) + (colours() ? tone.paint(cell.text()) : cell.text()));
    }

    private interface Reading {
        void read(InputStream dump) throws IOException;
    }

    private void each(String section, DumpReader.Element element) throws AgentException {
        read(dump -> DumpReader.each(dump, section, element));
    }

    private void copy(Set<String> sections) throws AgentException {
        read(dump -> DumpReader.copy(dump, sections, out()));
    }

    private void read(Reading reading) throws AgentException {
        try (AdminClient agent = agent();
                InputStream dump = agent.get(DUMP)) {
            reading.read(dump);
        } catch (IOException e) {
            throw AgentException.refused("the agent's answer cannot be understood: " + e.getMessage());
        }
    }

    private AdminClient agent() {
        try {
            return new AdminClient(address);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }

    private boolean colours() {
        return switch (colour) {
            case AUTO -> Ansi.AUTO.enabled();
            case ALWAYS -> true;
            case NEVER -> false;
        };
    }
}
