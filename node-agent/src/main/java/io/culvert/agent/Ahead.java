package io.culvert.agent;

import io.culvert.cni.redirect.RedirectException;
import java.io.IOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * Something that the start needs and that takes its time, begun beside what comes before it.
 *
 * <p>Runs on: a thread of its own, which keeps no process alive. Errors: told to whoever asks for it.
 */
final class Ahead<T> {
    /** What is done. */
    @FunctionalInterface
    interface Task<T> {
        T run() throws IOException, RedirectException;
    }

    private final FutureTask<T> result;

    private Ahead(FutureTask<T> result) {
        this.result = result;
    }

    static <T> Ahead<T> begin(String thread, Task<T> task) {
        FutureTask<T> result = new FutureTask<>(task::run);
        Thread _ = Thread.ofPlatform().daemon().name(thread).start(result);
        return new Ahead<>(result);
    }

    /** Waits for it. */
    T get() throws IOException, RedirectException {
        try {
            return result.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case IOException cause -> throw cause;
                case RedirectException cause -> throw cause;
                case LinkageError cause ->
                    throw new IOException(
                            cause.getMessage() == null ? String.valueOf(cause.getCause()) : cause.getMessage(), cause);
                case RuntimeException cause -> throw cause;
                case null, default -> throw new IllegalStateException(e.getCause());
            }
        }
    }
}
