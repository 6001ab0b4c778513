package io.culvert.cni.redirect;

import io.culvert.cni.redirect.RedirectException.Code;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * Runs the system's network tools, in a namespace given by path, without a shell and with an environment of its own.
 *
 * <p>Runs on: control virtual threads; it blocks. Owns: each process until its end. Bounds: time and output of each; past them
 * the process is killed and the call fails.
 */
final class ToolRunner {
    private static final String SEARCH_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin";
    private static final int OUTPUT_BYTES_MAX = 4 << 20;
    private static final int ERROR_CHARS_MAX = 600;

    private final Duration timeMax;

    ToolRunner(Duration timeMax) {
        this.timeMax = timeMax;
    }

    /** What a tool said and how it ended. */
    record Result(List<String> command, int exit, String out, String err) {
        boolean ok() {
            return exit == 0;
        }

        boolean complains(String... answers) {
            return List.of(answers).stream().anyMatch(err::contains);
        }

        Result orFail() throws RedirectException {
            if (ok()) {
                return this;
            }
            throw new RedirectException(Code.TOOL_FAILED, this.toString());
        }

        @Override
        public String toString() {
            String said = (err.isBlank() ? out : err).strip();
            String most = said.length() > ERROR_CHARS_MAX ? said.substring(0, ERROR_CHARS_MAX) + "..." : said;
            return String.join(" ", command) + ": exit " + exit + ": " + most;
        }
    }

    /** Where a program is, or null. */
    static @org.jspecify.annotations.Nullable Path find(String program) {
        for (String folder : SEARCH_PATH.split(":", -1)) {
            Path file = Path.of(folder, program);
            if (Files.isExecutable(file)) {
                return file;
            }
        }
        return null;
    }

    private static String need(String program) throws RedirectException {
        Path file = find(program);
        if (file == null) {
            throw new RedirectException(
                    Code.TOOL_MISSING, program + " is not installed (looked in " + SEARCH_PATH + ")");
        }
        return file.toString();
    }

    /** Runs a tool in the namespace that the path stands for. */
    Result inNetns(Path netns, Map<String, String> environment, List<String> tool, String input)
            throws RedirectException {
        return run(List.of(need("nsenter"), "--net=" + netns), environment, tool, input);
    }

    /** Runs a tool in a new namespace that ends with it. */
    Result inNewNetns(List<String> tool, String input) throws RedirectException {
        return run(List.of(need("unshare"), "--net"), Map.of(), tool, input);
    }

    /** Runs a tool where we are. */
    Result here(List<String> tool) throws RedirectException {
        return run(List.of(), Map.of(), tool, "");
    }

    private Result run(List<String> prefix, Map<String, String> environment, List<String> tool, String input)
            throws RedirectException {
        List<String> command = new ArrayList<>(prefix);
        command.add(need(tool.getFirst()));
        command.addAll(tool.subList(1, tool.size()));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().clear();
        builder.environment().putAll(Map.of("PATH", SEARCH_PATH, "LC_ALL", "C"));
        builder.environment().putAll(environment);
        try {
            return attend(builder.start(), tool, input);
        } catch (IOException e) {
            throw new RedirectException(Code.TOOL_FAILED, String.join(" ", command) + ": " + e.getMessage());
        }
    }

    private Result attend(Process process, List<String> tool, String input) throws RedirectException, IOException {
        CompletableFuture<String> out = readLater(process.getInputStream());
        CompletableFuture<String> err = readLater(process.getErrorStream());
        try {
            feed(process, input);
            if (!process.waitFor(timeMax.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new RedirectException(
                        Code.TIMEOUT, String.join(" ", tool) + ": killed after " + timeMax.toMillis() + " ms");
            }
            return new Result(tool, process.exitValue(), out.get(), err.get());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new RedirectException(Code.TIMEOUT, String.join(" ", tool) + ": interrupted");
        } catch (ExecutionException e) {
            throw new RedirectException(
                    Code.OUTPUT_TOO_LONG,
                    String.join(" ", tool) + ": "
                            + Objects.requireNonNull(e.getCause()).getMessage());
        } finally {
            process.destroyForcibly();
        }
    }

    private static void feed(Process process, String input) {
        try (OutputStream to = process.getOutputStream()) {
            to.write(input.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            // It ended before it read everything; its exit status says why.
        }
    }

    private static CompletableFuture<String> readLater(InputStream from) {
        CompletableFuture<String> text = new CompletableFuture<>();
        Thread.ofVirtual().start(() -> {
            try (from) {
                byte[] bytes = from.readNBytes(OUTPUT_BYTES_MAX + 1);
                if (bytes.length > OUTPUT_BYTES_MAX) {
                    throw new IOException("more than " + OUTPUT_BYTES_MAX + " bytes of output");
                }
                text.complete(new String(bytes, StandardCharsets.UTF_8));
            } catch (IOException e) {
                text.completeExceptionally(e);
            }
        });
        return text;
    }
}
