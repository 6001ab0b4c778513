package io.culvert.cni.redirect;

import io.culvert.cni.redirect.RedirectException.Code;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The right to change one network namespace's rules, which of all programs of this machine one has at a time. A thread that
 * has it may take it again. The kernel takes it back from a process that ends.
 *
 * <p>Runs on: the thread that took it closes it. Bounds: an empty file stays for each namespace, named by device and inode, which the
 * kernel uses again: removing one would let two programs lock two files of the same name.
 */
public final class NamespaceLock implements AutoCloseable {
    private static final String OWNER_ALONE = "rwx------";
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
    /** A process does not lock a file against itself, and closing any descriptor of it would unlock it: one thread at a time. */
    private static final ConcurrentMap<Path, ReentrantLock> HERE = new ConcurrentHashMap<>();

    private final ReentrantLock here;
    private final @Nullable FileChannel file;

    private NamespaceLock(ReentrantLock here, @Nullable FileChannel file) {
        this.here = here;
        this.file = file;
    }

    /** Makes the folder of locks, which is nobody else's: whoever may read a file can lock it, and keep us waiting. */
    static void makeFolder(Path folder) throws IOException {
        Files.createDirectories(folder, only(OWNER_ALONE));
        if (!Files.getPosixFilePermissions(folder).equals(PosixFilePermissions.fromString(OWNER_ALONE))) {
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString(OWNER_ALONE));
        }
    }

    private static FileAttribute<Set<PosixFilePermission>> only(String permissions) {
        return PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions));
    }

    /** Waits for the namespace's lock, which is in this folder. */
    @SuppressWarnings("MustBeClosedChecker") // the caller closes what this returns
    static NamespaceLock take(Path folder, Path netns, Duration atMost) throws RedirectException {
        Path path = folder.toAbsolutePath().normalize().resolve("netns-" + id(netns) + ".lock");
        ReentrantLock here = HERE.computeIfAbsent(path, _ -> new ReentrantLock());
        if (!takeHere(here, atMost)) {
            throw taken(netns, atMost);
        }
        try {
            return new NamespaceLock(here, here.getHoldCount() > 1 ? null : locked(path, netns, atMost));
        } catch (IOException e) {
            here.unlock();
            throw new RedirectException(Code.TOOL_FAILED, "cannot lock the rules of " + netns + ": " + e);
        } catch (RedirectException | RuntimeException e) {
            here.unlock();
            throw e;
        }
    }

    private static boolean takeHere(ReentrantLock here, Duration atMost) {
        try {
            return here.tryLock(atMost.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static FileChannel locked(Path path, Path netns, Duration atMost) throws IOException, RedirectException {
        FileChannel file =
                FileChannel.open(path, Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE), only("rw-------"));
        try {
            FileLock lock = file.tryLock();
            long pauses = atMost.toNanos() / PAUSE_NANOS;
            while (lock == null && pauses-- > 0 && !Thread.currentThread().isInterrupted()) {
                LockSupport.parkNanos(PAUSE_NANOS);
                lock = file.tryLock();
            }
            if (lock == null) {
                throw taken(netns, atMost);
            }
            return file;
        } catch (IOException | RedirectException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private static RedirectException taken(Path netns, Duration atMost) {
        return new RedirectException(
                Code.TIMEOUT,
                "another program has been changing the rules of " + netns + " for " + atMost.toMillis() + " ms");
    }

    private static String id(Path netns) throws RedirectException {
        try {
            Map<String, Object> said = Files.readAttributes(netns, "unix:dev,ino");
            return said.get("dev") + "-" + said.get("ino");
        } catch (IOException e) {
            throw new RedirectException(Code.NETNS_GONE, netns + " does not exist");
        }
    }

    @Override
    public void close() {
        try {
            if (file != null) {
                file.close();
            }
        } catch (IOException e) {
            throw new IllegalStateException("a lock file that is open can be closed", e);
        } finally {
            here.unlock();
        }
    }
}
