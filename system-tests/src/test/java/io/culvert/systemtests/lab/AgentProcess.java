package io.culvert.systemtests.lab;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.culvert.agent.CulvertAgent;
import io.culvert.testkit.CommandResult;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.FdCensus;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.Netns;
import io.culvert.testkit.NetnsLab;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;

/**
 * One agent process in its node's namespace, started as {@code bin/culvert-agent} starts it.
 *
 * <p>Owns: the process, until {@link #stop} or the lab's end.
 */
public final class AgentProcess {
    private static final Duration START_TIME_MAX = Duration.ofSeconds(40);
    private static final Duration STOP_TIME_MAX = Duration.ofSeconds(30);
    private static final Duration IDLE_TIME_MAX = Duration.ofSeconds(15);
    private static final int ENDED_BY_TERM = 128 + 15;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final NetnsLab net;
    private final Netns node;
    private final LabProcess process;
    private final List<Pattern> allowed = new ArrayList<>();
    private FdCensus idle = new FdCensus(Map.of());
    private boolean ready;

    private AgentProcess(NetnsLab net, Netns node, LabProcess process) {
        this.net = net;
        this.node = node;
        this.process = process;
    }

    static AgentProcess start(NetnsLab net, Netns node, List<String> arguments, Map<String, String> environment) {
        List<String> command = new ArrayList<>(node.enter());
        command.addAll(javaCommand());
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().keySet().removeIf(name -> name.startsWith("CULVERT_") || name.startsWith("ISTIO_"));
        builder.environment().putAll(environment);
        return new AgentProcess(net, node, net.spawn(builder));
    }

    /**
     * Starts one in a folder with just these variables in its environment and no argument, by {@code bin/culvert-agent} where the
     * build has packaged it.
     *
     * @param wrapper a command that becomes the one that follows it; empty for none
     * @param program another program's command; empty for the agent's
     */
    public static AgentProcess startAlone(
            NetnsLab net,
            Netns node,
            Path folder,
            Map<String, String> environment,
            List<String> wrapper,
            List<String> program) {
        List<String> command = new ArrayList<>(node.enter());
        command.addAll(wrapper);
        command.addAll(program.isEmpty() ? launcher() : program);
        ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
        Map<String, String> variables = builder.environment();
        variables.keySet().removeIf(name -> !name.equals("PATH") && !name.equals("LANG"));
        variables.put("CULVERT_JAVA_HOME", System.getProperty("java.home"));
        variables.putAll(environment);
        return new AgentProcess(net, node, net.spawn(builder));
    }

    private static List<String> launcher() {
        List<String> command = javaCommand();
        Path launcher = Path.of(System.getProperty("culvert.root", "."), "bin/culvert-agent");
        boolean packaged = command.get(3).endsWith(".jar") && Files.isExecutable(launcher);
        return packaged ? List.of(launcher.toString()) : command;
    }

    /** The launcher's command. A class path of folders is that of a build that has not packaged yet. */
    private static List<String> javaCommand() {
        Path root = Path.of(Objects.requireNonNull(System.getProperty("culvert.root"), "culvert.root is not set"));
        String code = CulvertAgent.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .getPath();
        return List.of(
                System.getProperty("java.home") + "/bin/java",
                "@" + root.resolve("config/jvm.options"),
                "-cp",
                code.endsWith(".jar") ? code : System.getProperty("java.class.path"),
                CulvertAgent.class.getName());
    }

    /** Waits until it serves every pod that it can. */
    public void awaitReady() {
        Eventually.holds("the agent on " + node.name() + " is ready: " + process, START_TIME_MAX, () -> {
            if (!process.isAlive()) {
                throw new IllegalStateException("it ended: " + process);
            }
            return curl("http://127.0.0.1:15021/healthz/ready").exit() == 0;
        });
        ready = true;
    }

    /** Notes what is open while nothing goes on; {@link #awaitIdle} waits to see just that again. */
    public void noteIdle() {
        AtomicInteger alike = new AtomicInteger();
        // What asked for readiness and dumps is still being closed at first.
        Eventually.holds("the agent on " + node.name() + " is idle", IDLE_TIME_MAX, () -> {
            FdCensus now = FdCensus.of(pid());
            alike.set(now.since(idle).isEmpty() ? alike.get() + 1 : 0);
            idle = now;
            return alike.get() >= 5;
        });
    }

    /** Waits until every descriptor that connections needed is closed again. */
    public void awaitIdle() {
        Eventually.passes("descriptors of the agent on " + node.name() + " come back", IDLE_TIME_MAX, () -> {
            Map<String, Integer> change = FdCensus.of(pid()).since(idle);
            // Pipes are kept a while for the next connection; their number has a bound.
            change.remove("pipe");
            if (!change.isEmpty()) {
                throw new AssertionError(change.toString());
            }
        });
    }

    private CommandResult curl(String url) {
        return net.exec(node, "curl", "--silent", "--show-error", "--fail", "--max-time", "20", url);
    }

    /** The node that it serves. */
    public Netns node() {
        return node;
    }

    /** Its process id. */
    public long pid() {
        return process.pid();
    }

    /** Whether it runs. */
    public boolean isAlive() {
        return process.isAlive();
    }

    /** What it measures now. */
    public AgentMetrics metrics() {
        return AgentMetrics.parse(
                curl("http://127.0.0.1:15020/metrics").expectOk().out());
    }

    /** What it knows now. */
    public JsonNode configDump() {
        try {
            return JSON.readTree(
                    curl("http://127.0.0.1:15000/config_dump").expectOk().out());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What it has logged. */
    public List<LogEntry> log() {
        return process.lines().stream()
                .map(LogEntry::parse)
                .flatMap(Optional::stream)
                .toList();
    }

    /** The connections whose end it has logged, first to last. */
    public List<LogEntry> connectionEnds() {
        return log().stream().filter(LogEntry::isConnectionEnd).toList();
    }

    /** Its memory that is in RAM now. */
    public long residentBytes() {
        return status("VmRSS:");
    }

    /** The most that was ever in RAM at once. */
    public long residentBytesMax() {
        return status("VmHWM:");
    }

    private long status(String field) {
        try (var lines = Files.lines(Path.of("/proc/" + pid() + "/status"))) {
            String kib = lines.filter(line -> line.startsWith(field))
                    .findFirst()
                    .orElse("0 kB")
                    .replaceAll("\\D+", "");
            return Long.parseLong(kib) * 1024;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The processor's time that it has used so far. */
    public Duration cpu() {
        try {
            String stat = Files.readString(Path.of("/proc/" + pid() + "/stat"));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
            return Duration.ofMillis((Long.parseLong(fields[11]) + Long.parseLong(fields[12])) * 10);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** How many sockets it has open. */
    public int sockets() {
        return FdCensus.of(pid()).count("socket");
    }

    /** Lets this test see an error that a pattern describes; any other fails it. */
    public void allowTrouble(String pattern) {
        allowed.add(Pattern.compile(pattern));
    }

    /** What it has reported of trouble of its own that no test has allowed. */
    public List<String> trouble() {
        List<String> found = new ArrayList<>();
        for (String line : process.lines()) {
            Optional<LogEntry> entry = LogEntry.parse(line);
            // What is no log line came from the JVM or from native code, which says nothing in good times.
            boolean bad = entry.isEmpty() || entry.get().isTrouble();
            if (bad && allowed.stream().noneMatch(p -> p.matcher(line).find())) {
                found.add(line);
            }
        }
        return found;
    }

    /** Sends a signal by name. */
    public void signal(String name) {
        process.signal(name);
    }

    /** Asks it to drain and end, waits, and demands exit code 0; one that is still starting may also end by the signal. */
    public CommandResult stop() {
        process.signal("TERM");
        CommandResult end = awaitEnd(STOP_TIME_MAX);
        return !ready && end.exit() == ENDED_BY_TERM ? end : end.expectExit(0);
    }

    /** Waits for its end. */
    public CommandResult awaitEnd(Duration within) {
        return process.await(within);
    }

    @Override
    public String toString() {
        return "agent on " + node.name() + ": " + process;
    }
}
