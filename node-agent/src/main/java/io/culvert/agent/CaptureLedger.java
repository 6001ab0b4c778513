package io.culvert.agent;

import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.MalformedInputException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which namespaces hold redirect rules, on a file system that does not outlive them: pods may leave the mesh while no agent
 * runs, and the next one must know whom to release.
 *
 * <p>A file each, named by the namespace's device and inode; in it the path where it was mounted. An entry whose path leads to
 * another namespace, or nowhere, is stale: its namespace is gone, and its rules with it.
 *
 * <p>Runs on: a control thread. Bounds: {@link #ENTRY_BYTES_MAX} are read of an entry.
 */
final class CaptureLedger {
    private static final int ENTRY_BYTES_MAX = 4_096;

    private final Path directory;
    private @Nullable FileChannel claim;

    CaptureLedger(Path directory) {
        this.directory = directory;
    }

    /** Where the nodes of this machine have their ledgers. */
    static Path folder(Path stateDirectory) {
        return stateDirectory.resolve("captured");
    }

    /** Takes a namespace out of every ledger of this machine. */
    static void removeFromAll(Path stateDirectory, PodNetns netns) throws IOException {
        try (DirectoryStream<Path> nodes = Files.newDirectoryStream(folder(stateDirectory), Files::isDirectory)) {
            for (Path node : nodes) {
                new CaptureLedger(node).remove(netns);
            }
        } catch (NoSuchFileException e) {
            // Nobody has captured anything yet.
            return;
        }
    }

    /** Whether no other agent of this node runs, and none can say so from now on as long as this one does. */
    boolean claim() throws IOException {
        if (claim != null) {
            return true;
        }
        makeDirectory();
        FileChannel lock = FileChannel.open(
                directory.resolveSibling(directory.getFileName() + ".lock"),
                StandardOpenOption.CREATE,
                StandardOpenOption.WRITE);
        if (isFree(lock)) {
            claim = lock;
            return true;
        }
        lock.close();
        return false;
    }

    /** Takes the lock if nobody has it; the kernel takes it back when the process ends, whichever way. */
    private static boolean isFree(FileChannel lock) throws IOException {
        try {
            return lock.tryLock() != null;
        } catch (OverlappingFileLockException e) {
            return false;
        }
    }

    private void makeDirectory() throws IOException {
        Files.createDirectories(
                directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }

    void add(PodNetns netns, Path name) throws IOException {
        makeDirectory();
        Path entry = entryOf(netns);
        Path written = entry.resolveSibling(entry.getFileName() + ".new");
        Files.writeString(written, name.toAbsolutePath().toString());
        try {
            Files.move(written, entry, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(written, entry, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    void remove(PodNetns netns) throws IOException {
        Files.deleteIfExists(entryOf(netns));
    }

    /** Where the namespaces are mounted; stale entries are dropped. */
    List<Path> names() throws IOException {
        List<Path> names = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            for (Path entry : entries) {
                Path name = nameIn(entry);
                if (name == null) {
                    Files.deleteIfExists(entry);
                } else {
                    names.add(name);
                }
            }
        } catch (NoSuchFileException e) {
            return List.of();
        }
        return names;
    }

    private static @Nullable Path nameIn(Path entry) throws IOException {
        if (!Files.isRegularFile(entry, LinkOption.NOFOLLOW_LINKS) || Files.size(entry) > ENTRY_BYTES_MAX) {
            return null;
        }
        try {
            Path name = Path.of(Files.readString(entry));
            try (PodNetns there = PodNetns.open(name)) {
                return fileName(there).equals(String.valueOf(entry.getFileName())) ? name : null;
            }
        } catch (ShimException | InvalidPathException | MalformedInputException e) {
            return null;
        }
    }

    private Path entryOf(PodNetns netns) {
        return directory.resolve(fileName(netns));
    }

    private static String fileName(PodNetns netns) {
        return netns.device() + "-" + netns.inode();
    }
}
