package io.culvert.control.file;

import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Waits for something to happen in a file's directory, or for time to pass: whichever comes first.
 *
 * <p>A hint only: links that lead elsewhere and file systems that notify nobody are why the caller also looks by itself.
 *
 * <p>Bounds: at most eight looks a second, two for each event that is told, whatever else is written in that directory.
 *
 * <p>Owns: an inotify descriptor, if the system grants one; {@link #close()} returns it and ends every wait.
 *
 * <p>Source: inotify(7).
 */
final class FileChanges implements AutoCloseable {
    /** After an event nobody is told of more for a while: the directory may hold a log that is written all the time. */
    private static final Duration REST = Duration.ofMillis(250);

    private final Path directory;
    private final @Nullable WatchService watch;
    private final CountDownLatch closed = new CountDownLatch(1);
    private @Nullable WatchKey key;
    private boolean resting;

    FileChanges(Path file) {
        Path parent = file.toAbsolutePath().getParent();
        this.directory = parent == null ? file.toAbsolutePath() : parent;
        this.watch = watchService(file);
        register();
    }

    private static @Nullable WatchService watchService(Path file) {
        try {
            return file.getFileSystem().newWatchService();
        } catch (IOException | UnsupportedOperationException e) {
            return null;
        }
    }

    /** Whether it is told of what happens from now on, which it was not before. */
    private boolean register() {
        WatchService service = watch;
        if (service == null || key != null) {
            return false;
        }
        try {
            key = directory.register(
                    service,
                    StandardWatchEventKinds.ENTRY_CREATE,
                    StandardWatchEventKinds.ENTRY_MODIFY,
                    StandardWatchEventKinds.ENTRY_DELETE);
        } catch (IOException | ClosedWatchServiceException e) {
            key = null;
        }
        return key != null;
    }

    /** Waits for an event or the time; false once it is closed. */
    boolean await(Duration atMost) throws InterruptedException {
        WatchService service = watch;
        if (service == null) {
            return pause(atMost);
        }
        if (resting && !pause(REST)) {
            return false;
        }
        resting = false;
        try {
            if (register()) {
                // What happened while nobody told us is to be looked at now.
                return true;
            }
            WatchKey happened = service.poll(atMost.toNanos(), TimeUnit.NANOSECONDS);
            if (happened != null) {
                happened.cancel();
                key = null;
                resting = true;
            }
            return closed.getCount() > 0;
        } catch (ClosedWatchServiceException e) {
            return false;
        }
    }

    /** Waits for the time to pass, whatever happens to the file; false once it is closed. */
    boolean pause(Duration time) throws InterruptedException {
        return !closed.await(time.toNanos(), TimeUnit.NANOSECONDS);
    }

    @Override
    public void close() {
        closed.countDown();
        WatchService service = watch;
        if (service != null) {
            try {
                service.close();
            } catch (IOException e) {
                // The descriptor is gone either way, and nobody waits on it any more.
                key = null;
            }
        }
    }
}
