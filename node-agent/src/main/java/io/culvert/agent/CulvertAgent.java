package io.culvert.agent;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.config.AgentConfigLoader;
import io.culvert.agent.config.AgentOptions;
import io.culvert.agent.config.ConfigException;
import io.culvert.agent.config.ConfigInputs;
import io.culvert.agent.config.Role;
import io.culvert.agent.config.Setting;
import io.culvert.agent.telemetry.log.Logging;
import io.culvert.cni.redirect.RedirectException;
import io.culvert.control.ca.CaException;
import io.culvert.shim.ShimException;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.ParseResult;

/**
 * The node agent: {@code culvert-agent}.
 *
 * <p>Exit codes: 0 after a graceful end, 1 when it could not start, 2 for a wrong command line or configuration,
 * 128 and the signal's number after a second SIGTERM or SIGINT.
 */
public final class CulvertAgent {
    private static final String PROXY = "proxy";
    static final int FAILED = 1;
    static final int MISUSED = 2;
    private static final long START_SECONDS_MAX = 10;

    private CulvertAgent() {}

    public static void main(String[] arguments) {
        if (arguments.length == 0 || arguments[0].startsWith("--") || arguments[0].equals(PROXY)) {
            Logging.prepare();
            Libraries.begin();
        }
        CommandLine commandLine = commandLine();
        int code = commandLine.execute(arguments);
        if (code >= 0) {
            System.exit(code);
        }
    }

    static CommandLine commandLine() {
        CommandSpec root = CommandSpec.create()
                .name("culvert-agent")
                .version("culvert-agent " + BuildVersion.current().version());
        root.usageMessage()
                .description(
                        "Captures the TCP of this node's pods, carries it in mTLS tunnels and enforces policy.",
                        "Without a subcommand it runs until it is told to stop (SIGTERM drains).");
        root.mixinStandardHelpOptions(true);
        AgentOptions.addTo(root);
        root.addSubcommand(PROXY, proxy());
        root.addSubcommand("ca", CaCommand.spec(InstantSource.system()));
        root.addSubcommand("redirect", RedirectCommand.spec());
        root.addSubcommand("version", Subcommand.of("What this agent was built from.", (parsed, out) -> {
            out.println(root.version()[0]);
            return 0;
        }));
        root.addSubcommand("help", new CommandLine(new CommandLine.HelpCommand()));
        CommandLine commandLine = new CommandLine(root);
        commandLine.setExecutionStrategy(CulvertAgent::run);
        commandLine.setParameterExceptionHandler((wrong, arguments) -> Misuse.tell(wrong));
        // A directory may be called "ca".
        commandLine.setAllowSubcommandsAsOptionParameters(true);
        return commandLine;
    }

    /** As other agents are started; what follows the word is theirs, not ours. */
    private static CommandSpec proxy() {
        CommandSpec proxy = CommandSpec.create();
        proxy.usageMessage().description("Runs the agent, as without a subcommand; further words are ignored.");
        proxy.mixinStandardHelpOptions(true);
        AgentOptions.addTo(proxy);
        return proxy.addPositional(PositionalParamSpec.builder()
                .paramLabel("WORD")
                .arity("0..*")
                .type(List.class)
                .auxiliaryTypes(String.class)
                .description("Ignored.")
                .build());
    }

    private static int run(ParseResult parsed) {
        Integer helped = CommandLine.executeHelpRequest(parsed);
        if (helped != null) {
            return helped;
        }
        if (!parsed.hasSubcommand()) {
            return runAgent(parsed);
        }
        ParseResult deepest = parsed;
        while (deepest.hasSubcommand()) {
            deepest = deepest.subcommand();
        }
        return deepest.commandSpec().name().equals(PROXY) ? runAgent(deepest) : Subcommand.run(deepest);
    }

    private static int runAgent(ParseResult parsed) {
        PrintWriter err = parsed.commandSpec().commandLine().getErr();
        AgentConfigLoader.Loaded loaded;
        try {
            loaded = AgentConfigLoader.load(
                    ConfigInputs.ofProcess(AgentOptions.flags(parsed), AgentOptions.file(parsed)));
        } catch (ConfigException e) {
            err.println(e.getMessage());
            return MISUSED;
        }
        if (loaded.config().node().role() == Role.NODE) {
            err.println(
                    "culvert-agent: --role="
                            + loaded.config().node().role().name().toLowerCase(Locale.ROOT)
                            + " is not available yet: leave the role at 'all', or take over pods from another node agent with 'proxy'");
            return MISUSED;
        }
        Logging logging = Logging.install(loaded.config().log());
        System.getLogger(CulvertAgent.class.getName())
                .log(
                        System.Logger.Level.INFO,
                        () -> "culvert-agent " + BuildVersion.current().version() + ": "
                                + loaded.settings().stream()
                                        .filter(Setting::isChosen)
                                        .map(setting -> setting.knob().fileKey() + "=" + setting.text())
                                        .collect(Collectors.joining(" ")));
        CompletableFuture<Wiring> started = new CompletableFuture<>();
        Runtime.getRuntime()
                .addShutdownHook(Thread.ofPlatform().name("ctl-stop").unstarted(() -> stop(started)));
        StopSignals.install(
                code -> Thread.ofPlatform().name("ctl-signal").start(() -> System.exit(code)),
                Runtime.getRuntime()::halt);
        try {
            started.complete(Wiring.start(loaded, logging));
            return -1;
        } catch (IOException | ShimException | RedirectException | CaException e) {
            logging.close();
            err.println("culvert-agent: cannot start: " + e.getMessage());
            return FAILED;
        } finally {
            // Only if it could not start, for whatever reason.
            started.completeExceptionally(new IllegalStateException("not started"));
        }
    }

    /** A signal may come before the start is through: that is waited for, so that what was begun ends as it should. */
    private static void stop(CompletableFuture<Wiring> started) {
        try {
            started.get(START_SECONDS_MAX, TimeUnit.SECONDS).stop();
        } catch (ExecutionException e) {
            // It could not start; whoever found out says so, and with which code it ends.
            return;
        } catch (TimeoutException | InterruptedException e) {
            System.getLogger(CulvertAgent.class.getName())
                    .log(System.Logger.Level.WARNING, "stopped before the start was through");
        }
        // A drained end is a success, whichever signal asked for it.
        Runtime.getRuntime().halt(0);
    }
}
