package io.culvert.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Runs a program to its end; both outputs are read in full, at most 64 MB each, and its time is bounded. */
public final class Commands {
    private static final int OUTPUT_BYTES_MAX = 64 << 20;

    private Commands() {}

    /** Runs the program. It gets no input. Past the time it is killed and the test fails. */
    public static CommandResult run(Duration timeout, List<String> command) {
        return run(timeout, new ProcessBuilder(command), "");
    }

    /** Runs the program with this input. */
    public static CommandResult run(Duration timeout, ProcessBuilder builder, String input) {
        Duration longest = Deadline.stretched(timeout);
        try {
            Process process = builder.start();
            CompletableFuture<String> out = readLater(process.getInputStream());
            CompletableFuture<String> err = readLater(process.getErrorStream());
            feed(process, input);
            boolean ended = process.waitFor(longest.toMillis(), TimeUnit.MILLISECONDS);
            if (!ended) {
                process.toHandle().destroyForcibly(); // the handle's way leaves the output to be read
                process.waitFor();
            }
            CommandResult result =
                    new CommandResult(List.copyOf(builder.command()), process.exitValue(), out.join(), err.join());
            if (!ended) {
                throw new AssertionError("killed after " + longest.toMillis() + " ms: " + result);
            }
            return result;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }

    private static void feed(Process process, String input) throws IOException {
        try (var to = process.getOutputStream()) {
            to.write(input.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            if (process.isAlive()) {
                throw e;
            }
            // It ended without reading its input; its exit value tells why.
        }
    }

    private static CompletableFuture<String> readLater(InputStream from) {
        CompletableFuture<String> text = new CompletableFuture<>();
        Thread.ofPlatform().daemon().start(() -> {
            try (from) {
                text.complete(new String(from.readNBytes(OUTPUT_BYTES_MAX), StandardCharsets.UTF_8));
            } catch (IOException e) {
                text.completeExceptionally(e);
            }
        });
        return text;
    }
}
