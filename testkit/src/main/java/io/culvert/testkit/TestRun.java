package io.culvert.testkit;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/**
 * A program that runs test classes where there is no Maven, one after the other: a line for each class as it ends, why a test
 * failed, and a table of the classes. What the tests themselves print goes into a file. Its exit value is 0 only if each class
 * had a test and every test ran and passed.
 */
public final class TestRun {
    private static final int FRAMES_MAX = 60;

    private final PrintWriter out;
    private final List<Result> results = new ArrayList<>();

    private record Result(String name, long tests, long failed, long skipped, Duration time) {
        static Result of(String name, TestExecutionSummary summary) {
            return new Result(
                    name,
                    summary.getTestsStartedCount(),
                    summary.getTotalFailureCount(),
                    summary.getTestsSkippedCount()
                            + summary.getTestsAbortedCount()
                            + summary.getContainersSkippedCount()
                            + summary.getContainersAbortedCount(),
                    Duration.ofMillis(summary.getTimeFinished() - summary.getTimeStarted()));
        }

        boolean good() {
            return tests > 0 && failed == 0 && skipped == 0;
        }

        String row() {
            return String.format(
                    Locale.ROOT, "  %-30s %7d %7d %7d %9.1f", name, tests, failed, skipped, time.toMillis() / 1e3);
        }
    }

    private TestRun(PrintWriter out) {
        this.out = out;
    }

    /** Takes the file for what the tests print, and the classes' names. */
    public static void main(String[] arguments) throws ClassNotFoundException, IOException {
        List<Class<?>> classes = new ArrayList<>();
        for (String name : Arrays.copyOfRange(arguments, 1, arguments.length)) {
            classes.add(Class.forName(name, false, TestRun.class.getClassLoader()));
        }
        PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
        PrintStream printed =
                new PrintStream(Files.newOutputStream(Path.of(arguments[0])), true, StandardCharsets.UTF_8);
        System.setOut(printed);
        System.setErr(printed);
        System.exit(run(out, classes) ? 0 : 1);
    }

    /** Whether all is well. */
    static boolean run(PrintWriter out, List<Class<?>> classes) {
        TestRun run = new TestRun(out);
        Launcher launcher = LauncherFactory.create();
        classes.forEach(type -> run.runOne(launcher, type));
        return run.conclude();
    }

    private void runOne(Launcher launcher, Class<?> type) {
        System.out.println("== " + type.getName());
        SummaryGeneratingListener heard = new SummaryGeneratingListener();
        LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request()
                .selectors(selectClass(type))
                .build();
        launcher.execute(request, heard);
        TestExecutionSummary summary = heard.getSummary();
        Result result = Result.of(type.getSimpleName(), summary);
        results.add(result);
        summary.printFailuresTo(out, FRAMES_MAX);
        out.printf(
                Locale.ROOT,
                "%s %d tests, %d failed, %d skipped, %.1f s - in %s%n",
                result.good() ? "  ok" : "NOT OK",
                result.tests,
                result.failed,
                result.skipped,
                result.time.toMillis() / 1e3,
                type.getName());
    }

    private boolean conclude() {
        out.printf(Locale.ROOT, "%n  %-30s %7s %7s %7s %9s%n", "class", "tests", "failed", "skipped", "seconds");
        results.forEach(result -> out.println(result.row()));
        boolean good = !results.isEmpty() && results.stream().allMatch(Result::good);
        out.println(
                good ? "\nAll tests passed." : "\nNOT all well: a test failed or was skipped, or a class had none.");
        return good;
    }
}
