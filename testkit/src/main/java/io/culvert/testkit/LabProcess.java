package io.culvert.testkit;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A program that runs beside the test; what it says on both outputs is kept as lines.
 *
 * <p>Owns: the process, ended by its pid on {@link #close}. Bounds: the first 100,000 lines are kept, later ones dropped.
 */
public final class LabProcess implements AutoCloseable {
    private static final int LINES_MAX = 100_000;
    private static final Duration GRACE = Duration.ofSeconds(3);

    private final List<String> command;
    private final Process process;
    private final Thread reader;
    private final List<String> lines = new ArrayList<>();
    private boolean ended;

    private LabProcess(List<String> command, Process process) {
        this.command = command;
        this.process = process;
        this.reader =
                Thread.ofPlatform().daemon().name("out-of-" + process.pid()).unstarted(this::read);
    }

    /** Starts a program; its environment is the test's own with the given changes made to the builder. */
    public static LabProcess start(ProcessBuilder builder) {
        try {
            Process process = builder.redirectErrorStream(true).start();
            process.getOutputStream().close();
            LabProcess started = new LabProcess(List.copyOf(builder.command()), process);
            started.reader.start();
            return started;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void read() {
        try (BufferedReader from = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = from.readLine(); line != null; line = from.readLine()) {
                add(line);
            }
        } catch (IOException e) {
            add("(output lost: " + e.getMessage() + ")");
        } finally {
            end();
        }
    }

    private synchronized void add(String line) {
        if (lines.size() < LINES_MAX) {
            lines.add(line);
        }
        notifyAll();
    }

    private synchronized void end() {
        ended = true;
        notifyAll();
    }

    /** Its process id. */
    public long pid() {
        return process.pid();
    }

    /** Whether it runs. */
    public boolean isAlive() {
        return process.isAlive();
    }

    /** What it has said so far. */
    public synchronized List<String> lines() {
        return List.copyOf(lines);
    }

    /** Waits until it has said a line in which the pattern is found, from the first line on; fails if it ends or is silent. */
    public synchronized Matcher awaitLine(String pattern, Duration within) {
        Pattern wanted = Pattern.compile(pattern);
        Deadline deadline = Deadline.after(within);
        for (int at = 0; ; at++) {
            Matcher found = wanted.matcher(line(at, pattern, deadline));
            if (found.find()) {
                return found;
            }
        }
    }

    private synchronized String line(int at, String pattern, Deadline deadline) {
        try {
            while (at >= lines.size()) {
                if (ended || deadline.passed()) {
                    throw new AssertionError(
                            (ended ? "ended without" : "too late:") + " a line with " + pattern + ": " + this);
                }
                wait(Math.max(1, deadline.remaining().toMillis()));
            }
            return lines.get(at);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }

    /** Sends a signal by name, for example {@code TERM}. */
    public void signal(String name) {
        Commands.run(Duration.ofSeconds(5), List.of("kill", "-" + name, Long.toString(pid())))
                .expectOk();
    }

    /** Waits for its end and all its output. */
    public CommandResult await(Duration within) {
        Duration longest = Deadline.stretched(within);
        try {
            if (!process.waitFor(longest.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new AssertionError("still running after " + longest.toMillis() + " ms: " + this);
            }
            reader.join(Deadline.stretched(GRACE));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
        return new CommandResult(command, process.exitValue(), String.join("\n", lines()) + "\n", "");
    }

    /** Asks it to end (SIGTERM), waits, and returns what it said; kills it if it does not end in time. */
    public CommandResult stop() {
        process.toHandle().destroy(); // Process.destroy would close the output before its last lines are read
        try {
            if (!process.waitFor(Deadline.stretched(GRACE).toMillis(), TimeUnit.MILLISECONDS)) {
                process.toHandle().destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.toHandle().destroyForcibly();
            Thread.currentThread().interrupt();
        }
        return await(GRACE);
    }

    /** Ends it, whatever its state. */
    @Override
    public void close() {
        if (process.isAlive()) {
            stop();
        }
    }

    @Override
    public String toString() {
        return String.join(" ", command) + " (pid " + pid() + ")\n" + String.join("\n", lines());
    }
}
