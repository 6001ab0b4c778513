package io.culvert.shim;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Set;

/**
 * The directory that native code is loaded from: ours alone, so that what is checked in it is what is loaded.
 *
 * <p>A file is named by the hash of its content, written once, and compared byte for byte before every use. A directory counts as
 * ours when it belongs to this user, nobody else may write to it, and nobody else can swap it for another one further up.
 */
final class NativeStore {
    private static final FileAttribute<Set<PosixFilePermission>> PRIVATE_DIRECTORY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
    private static final Set<PosixFilePermission> PRIVATE_FILE = PosixFilePermissions.fromString("r-x------");

    private static final int ROOT = 0;
    /** How the owner of a file looks from a user namespace that does not know that user; such users are outside our reach. */
    private static final int UNMAPPED = 65534;

    private static final int STICKY = 01000;
    private static final int WRITABLE_BY_OTHERS = 022;

    private final Path directory;
    private final boolean chosenByOperator;
    private final int user;
    private boolean temporary;

    NativeStore(Path directory, boolean chosenByOperator) throws IOException {
        this.directory = directory;
        this.chosenByOperator = chosenByOperator;
        this.user = currentUser();
    }

    static NativeStore fromProperties() throws IOException {
        String chosen = System.getProperty("culvert.native.dir", "");
        if (!chosen.isEmpty()) {
            return new NativeStore(Path.of(chosen).toAbsolutePath(), true);
        }
        Path temporary = Path.of(System.getProperty("java.io.tmpdir", "/tmp")).toAbsolutePath();
        return new NativeStore(temporary.resolve("culvert-native-" + currentUser()), false);
    }

    /** The path of a file with this content. */
    Path place(byte[] content) throws IOException {
        Path home = trustedDirectory();
        Path file = home.resolve(HexFormat.of().formatHex(sha256(content)) + ".so");
        if (!holds(file, content)) {
            write(home, file, content);
        }
        if (!holds(file, content)) {
            throw new IOException(file + " changed while it was being written");
        }
        return file;
    }

    private Path trustedDirectory() throws IOException {
        try {
            Files.createDirectory(directory, PRIVATE_DIRECTORY);
        } catch (FileAlreadyExistsException _) {
            // Ours from an earlier start, or somebody's trap: the check below tells.
        }
        String distrust = distrust(directory);
        if (distrust.isEmpty()) {
            return directory.toRealPath();
        }
        if (chosenByOperator) {
            throw new IOException(distrust + "; choose another -Dculvert.native.dir");
        }
        // Somebody was there first. They cannot know the name of a directory made only now.
        Path parent = directory.getParent();
        Path fresh = Files.createTempDirectory(parent, "culvert-native-", PRIVATE_DIRECTORY);
        distrust = distrust(fresh);
        if (!distrust.isEmpty()) {
            throw new IOException(distrust + "; name a safe directory with -Dculvert.native.dir");
        }
        temporary = true;
        return fresh.toRealPath();
    }

    /** Once a file is loaded: removes it if the next start could not find it again. */
    void loaded(Path file) throws IOException {
        if (temporary) {
            Path home = file.toAbsolutePath().getParent();
            Files.deleteIfExists(file);
            if (home != null) {
                Files.deleteIfExists(home);
            }
        }
    }

    /** Why a directory is not ours alone; empty when it is. */
    private String distrust(Path candidate) throws IOException {
        if (!Files.isDirectory(candidate, LinkOption.NOFOLLOW_LINKS)) {
            return candidate + " is not a directory";
        }
        if (owner(candidate) != user) {
            return candidate + " belongs to another user";
        }
        if ((mode(candidate) & WRITABLE_BY_OTHERS) != 0) {
            return candidate + " can be written by others";
        }
        for (Path above = candidate.toRealPath().getParent(); above != null; above = above.getParent()) {
            int owner = owner(above);
            boolean swappable = (mode(above) & WRITABLE_BY_OTHERS) != 0 && (mode(above) & STICKY) == 0;
            if (swappable || (owner != user && owner != ROOT && owner != UNMAPPED)) {
                return above + " lets others replace " + candidate;
            }
        }
        return "";
    }

    private boolean holds(Path file, byte[] content) throws IOException {
        return Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
                && owner(file) == user
                && (mode(file) & WRITABLE_BY_OTHERS) == 0
                && Files.size(file) == content.length
                && Arrays.equals(Files.readAllBytes(file), content);
    }

    private static void write(Path home, Path file, byte[] content) throws IOException {
        Path part = Files.createTempFile(home, "unpacking-", ".tmp");
        try {
            Files.write(part, content);
            Files.setPosixFilePermissions(part, PRIVATE_FILE);
            // Another process that unpacks the same content moves the same bytes to the same name.
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    private static int currentUser() throws IOException {
        return userIn(Files.readString(Path.of("/proc/self/status")));
    }

    /** The user that new files belong to: the last of the four numbers on the status file's Uid line. */
    static int userIn(String status) throws IOException {
        return status.lines()
                .filter(line -> line.startsWith("Uid:"))
                .map(line -> Integer.parseUnsignedInt(line.substring(line.lastIndexOf('\t') + 1)))
                .findFirst()
                .orElseThrow(() -> new IOException("/proc/self/status has no Uid line"));
    }

    private static int owner(Path path) throws IOException {
        return (Integer) Files.getAttribute(path, "unix:uid", LinkOption.NOFOLLOW_LINKS);
    }

    private static int mode(Path path) throws IOException {
        return (Integer) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
    }

    private static byte[] sha256(byte[] content) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(content);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
