package io.culvert.agent;

import io.culvert.shim.Errno;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.MalformedInputException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which namespaces hold redirect rules that this node wrote, on a file system that does not outlive them: pods may leave the mesh
 * while no agent runs, and the next one must know whom to release. A machine may be several nodes; their ledgers are side by side,
 * and a namespace is in the ledger of the node that noted it last.
 *
 * <p>A file each, named by the namespace's device and inode; in it the path where it was mounted and, after a zero byte, who told
 * the agent of its pods. An entry whose path leads to another namespace, or nowhere, is stale: its namespace is gone, and its rules
 * with it.
 *
 * <p>Runs on: a control thread. What is written and read about one namespace is so under its lock, which the caller has; stale
 * entries have none, and are this node's own agent's to drop. Bounds:
 * {@link #ENTRY_BYTES_MAX} are read of an entry.
 */
final class CaptureLedger {
    private static final int ENTRY_BYTES_MAX = 8_192;
    private static final char SEPARATOR = '\0';
    /** What is said of a path that leads nowhere, or to what is no namespace. */
    private static final List<Errno> NOWHERE = List.of(Errno.ENOENT, Errno.ENOTDIR, Errno.EINVAL, Errno.ENOTTY);

    /** Whose a namespace is. */
    enum Holder {
        /** This node's. */
        OURS,
        /** Another node's of this machine, whose agent runs. */
        ANOTHER,
        /** Another node's, whose agent is gone. */
        ABANDONED,
        /** It is in no ledger. */
        NOBODY
    }

    /** @param source as it was noted; empty if it was not */
    private record Entry(Path name, String source) {}

    private final Path directory;
    private final String source;
    private @Nullable FileChannel claim;

    /** @param source who tells this agent of its pods, such as the path of a mesh file */
    CaptureLedger(Path directory, String source) {
        this.directory = directory;
        this.source = source;
    }

    /** Where the nodes of this machine have their ledgers. */
    static Path folder(Path stateDirectory) {
        return stateDirectory.resolve("captured");
    }

    /** Takes a namespace out of every ledger of this machine. */
    static void removeFromAll(Path stateDirectory, PodNetns netns) throws IOException {
        removeFrom(ledgers(folder(stateDirectory)), netns);
    }

    /** Takes a namespace out of this ledger and every one beside it. */
    void removeFromAll(PodNetns netns) throws IOException {
        remove(netns);
        removeFrom(others(), netns);
    }

    private static void removeFrom(List<Path> ledgers, PodNetns netns) throws IOException {
        for (Path ledger : ledgers) {
            Files.deleteIfExists(ledger.resolve(fileName(netns)));
        }
    }

    private static List<Path> ledgers(Path folder) throws IOException {
        List<Path> ledgers = new ArrayList<>();
        try (DirectoryStream<Path> nodes = Files.newDirectoryStream(folder, Files::isDirectory)) {
            nodes.forEach(ledgers::add);
        } catch (NoSuchFileException e) {
            // Nobody has captured anything yet.
            return List.of();
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        return ledgers;
    }

    private List<Path> others() throws IOException {
        List<Path> others = new ArrayList<>(
                ledgers(Objects.requireNonNull(directory.toAbsolutePath().getParent())));
        others.removeIf(other -> other.getFileName().equals(directory.getFileName()));
        return others;
    }

    /** Finds out now, rather than with the first pod, whether anything can be noted. */
    void prepare() throws IOException {
        makeDirectory();
        Files.deleteIfExists(Files.createTempFile(directory, "try", ".new"));
    }

    /** Whether no other agent of this node runs, and none can say so from now on as long as this one does. */
    boolean claim() throws IOException {
        if (claim != null) {
            return true;
        }
        makeDirectory();
        claim = claimed(directory);
        return claim != null;
    }

    private static @Nullable FileChannel claimed(Path ledger) throws IOException {
        FileChannel lock = FileChannel.open(
                ledger.resolveSibling(ledger.getFileName() + ".lock"),
                Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        if (isFree(lock)) {
            return lock;
        }
        lock.close();
        return null;
    }

    /** Whether no agent of that node runs. */
    private static boolean isAbandoned(Path ledger) throws IOException {
        try (FileChannel lock = claimed(ledger)) {
            return lock != null;
        }
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

    /** Notes the namespace as this node's, and no other's from now on. */
    void add(PodNetns netns, Path name) throws IOException {
        makeDirectory();
        Path entry = entryOf(netns);
        Path written = entry.resolveSibling(entry.getFileName() + ".new");
        Files.writeString(written, name.toAbsolutePath().toString() + SEPARATOR + source);
        try {
            Files.move(written, entry, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(written, entry, StandardCopyOption.REPLACE_EXISTING);
        }
        removeFrom(others(), netns);
    }

    void remove(PodNetns netns) throws IOException {
        Files.deleteIfExists(entryOf(netns));
    }

    /** Whose the namespace is. Agents that ended half way may have left it in two ledgers: the last note counts. */
    Holder holder(PodNetns netns) throws IOException {
        Path latest = null;
        FileTime noted = timeOf(entryOf(netns));
        boolean ours = noted != null;
        for (Path other : others()) {
            FileTime time = timeOf(other.resolve(fileName(netns)));
            if (time != null && (noted == null || time.compareTo(noted) >= 0)) {
                noted = time;
                latest = other;
            }
        }
        if (latest == null) {
            return ours ? Holder.OURS : Holder.NOBODY;
        }
        return isAbandoned(latest) ? Holder.ABANDONED : Holder.ANOTHER;
    }

    /** Whether it is noted as this node's; costs next to nothing. */
    boolean has(PodNetns netns) {
        return Files.exists(entryOf(netns));
    }

    private static @Nullable FileTime timeOf(Path entry) throws IOException {
        try {
            return Files.getLastModifiedTime(entry);
        } catch (NoSuchFileException e) {
            return null;
        }
    }

    /** Where the namespaces are mounted; stale entries are dropped, by the one agent that has {@link #claim}ed them. */
    List<Path> names() throws IOException {
        List<Path> names = new ArrayList<>();
        for (Path file : files(directory)) {
            Entry entry = read(file);
            if (entry == null) {
                Files.deleteIfExists(file);
            } else {
                names.add(entry.name());
            }
        }
        return names;
    }

    /**
     * Where the namespaces are mounted that nodes whose agents are gone have in their ledgers. Of those only that were told of their
     * pods by whoever tells this agent: about others' pods it knows nothing.
     */
    List<Path> abandoned() throws IOException {
        List<Path> names = new ArrayList<>();
        for (Path other : others()) {
            if (isAbandoned(other)) {
                for (Path file : files(other)) {
                    Entry entry = read(file);
                    if (entry != null && entry.source().equals(source)) {
                        names.add(entry.name());
                    }
                }
            }
        }
        return names;
    }

    private static List<Path> files(Path ledger) throws IOException {
        List<Path> found = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(ledger)) {
            files.forEach(found::add);
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        return found;
    }

    /** Null when it is stale, or no entry. */
    private static @Nullable Entry read(Path file) throws IOException {
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) || Files.size(file) > ENTRY_BYTES_MAX) {
            return null;
        }
        try {
            String text = Files.readString(file);
            int end = text.indexOf(SEPARATOR);
            Path name = Path.of(end < 0 ? text : text.substring(0, end));
            return leadsTo(name, String.valueOf(file.getFileName()))
                    ? new Entry(name, end < 0 ? "" : text.substring(end + 1))
                    : null;
        } catch (InvalidPathException | MalformedInputException | NoSuchFileException e) {
            return null;
        }
    }

    /** True also when it cannot be told, for want of descriptors as the case may be: the rules may be there still. */
    private static boolean leadsTo(Path name, String fileName) {
        try (PodNetns there = PodNetns.open(name)) {
            return fileName(there).equals(fileName);
        } catch (ShimException e) {
            return NOWHERE.stream().noneMatch(e::is);
        }
    }

    private Path entryOf(PodNetns netns) {
        return directory.resolve(fileName(netns));
    }

    private static String fileName(PodNetns netns) {
        return netns.device() + "-" + netns.inode();
    }
}
