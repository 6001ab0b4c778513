package io.culvert.control.ca;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The files of a certificate authority's directory: who may read them, and how they are replaced.
 *
 * <p>A file appears whole or not at all: it is written beside its name, synced, and renamed.
 *
 * <p>Bounds: a file has at most {@link #LENGTH_MAX} bytes.
 *
 * <p>Source: rename(2), fsync(2); the owner's uid is that of {@code /proc/self}.
 */
final class CaFiles {
    static final String SIGNER = "signer.pem";
    static final String NEXT_SIGNER = "next.pem";
    static final String ROOTS = "roots.pem";
    static final String LOCK = ".lock";
    static final String TEMPORARY_PREFIX = ".tmp-";
    static final int LENGTH_MAX = 65_536;

    private static final String OWNER_ONLY = "rw-------";
    private static final String PUBLIC = "rw-r--r--";
    private static final int GROUP_AND_OTHERS = 077;
    private static final int GROUP_AND_OTHERS_WRITE = 022;

    /** One JVM may hold a file lock only once, so its threads queue here first. */
    private static final ReentrantLock WRITERS = new ReentrantLock();

    private final Path dir;

    CaFiles(Path dir) {
        this.dir = dir;
    }

    Path path(String name) {
        return dir.resolve(name);
    }

    /** Makes the directory, 0700, unless it is there; and those above it, as open as the umask has them. */
    void createDirectory() throws CaException {
        Path parent = dir.toAbsolutePath().getParent();
        try {
            if (parent != null) {
                Files.createDirectories(parent);
            }
            Files.createDirectory(dir, permissions("rwx------"));
        } catch (FileAlreadyExistsException e) {
            if (parent != null && !Files.isDirectory(parent)) {
                throw new CaException(
                        CaException.Code.IO,
                        "cannot create " + dir + ": " + e.getFile() + " is a file; name another directory",
                        e);
            }
            requireSafeDirectory();
        } catch (AccessDeniedException e) {
            throw new CaException(
                    CaException.Code.IO,
                    "cannot create " + dir + ": permission denied at " + e.getFile()
                            + "; run this as root, or name another directory",
                    e);
        } catch (IOException e) {
            throw io("cannot create " + dir, e);
        }
    }

    /** Only the owner may enter the directory; so nobody else can exchange what is in it. */
    void requireSafeDirectory() throws CaException {
        Map<String, Object> attributes = attributes(dir);
        if (!Files.isDirectory(dir)) {
            throw new CaException(
                    CaException.Code.CORRUPT, dir + " is not a directory; name the one made by 'ca init'");
        }
        requireOwner(dir, attributes);
        if ((mode(attributes) & GROUP_AND_OTHERS) != 0) {
            throw unsafe(dir, attributes, "chmod 0700 " + dir);
        }
    }

    String readSecret(String name) throws CaException {
        return read(name, GROUP_AND_OTHERS, "chmod 0600 ");
    }

    String readPublic(String name) throws CaException {
        return read(name, GROUP_AND_OTHERS_WRITE, "chmod 0644 ");
    }

    private String read(String name, int forbidden, String fix) throws CaException {
        Path file = path(name);
        Map<String, Object> attributes = attributes(file, LinkOption.NOFOLLOW_LINKS);
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            throw new CaException(CaException.Code.CORRUPT, file + " is not a regular file; put the file itself there");
        }
        requireOwner(file, attributes);
        if ((mode(attributes) & forbidden) != 0) {
            throw unsafe(file, attributes, fix + file);
        }
        return readBounded(file);
    }

    private static String readBounded(Path file) throws CaException {
        byte[] bytes;
        try (var in = Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS)) {
            bytes = in.readNBytes(LENGTH_MAX + 1);
        } catch (IOException e) {
            throw io("cannot read " + file, e);
        }
        if (bytes.length > LENGTH_MAX) {
            throw new CaException(CaException.Code.CORRUPT, file + " has more than " + LENGTH_MAX + " bytes");
        }
        return new String(bytes, US_ASCII);
    }

    void writeSecret(String name, String text, SecureRandom random) throws CaException {
        write(name, text, OWNER_ONLY, random);
    }

    void writePublic(String name, String text, SecureRandom random) throws CaException {
        write(name, text, PUBLIC, random);
    }

    private void write(String name, String text, String mode, SecureRandom random) throws CaException {
        byte[] suffix = new byte[8];
        random.nextBytes(suffix);
        Path temporary = path(TEMPORARY_PREFIX + HexFormat.of().formatHex(suffix));
        try {
            try {
                writeSynced(temporary, text, mode);
                Files.move(temporary, path(name), StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(temporary);
            }
            sync();
        } catch (IOException e) {
            throw io("cannot write " + path(name), e);
        }
    }

    private static void writeSynced(Path file, String text, String mode) throws IOException {
        Set<StandardOpenOption> options = Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        try (FileChannel channel = FileChannel.open(file, options, permissions(mode))) {
            ByteBuffer bytes = US_ASCII.encode(text);
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
        // The umask may have taken bits away from the public file.
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
    }

    void rename(String from, String to) throws CaException {
        try {
            Files.move(path(from), path(to), StandardCopyOption.ATOMIC_MOVE);
            sync();
        } catch (IOException e) {
            throw io("cannot rename " + path(from) + " to " + path(to), e);
        }
    }

    /** Removes what a writer that died left behind; only while {@link #exclusively} holds the lock. */
    void removeTemporaries() throws CaException {
        try (var entries = Files.newDirectoryStream(dir, TEMPORARY_PREFIX + "*")) {
            for (Path entry : entries) {
                Files.deleteIfExists(entry);
            }
        } catch (IOException e) {
            throw io("cannot clean " + dir, e);
        }
    }

    private void sync() throws IOException {
        try (FileChannel channel = FileChannel.open(dir, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /** Runs a change of the directory while no other process or thread changes it. */
    <T> T exclusively(Change<T> change) throws CaException {
        WRITERS.lock();
        try (FileChannel channel = lockFile();
                FileLock lock = channel.lock()) {
            if (!lock.isValid()) {
                throw new IOException("the lock was lost");
            }
            return change.run();
        } catch (IOException e) {
            throw io("cannot lock " + path(LOCK), e);
        } finally {
            WRITERS.unlock();
        }
    }

    private FileChannel lockFile() throws IOException {
        Set<StandardOpenOption> options = Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        return FileChannel.open(path(LOCK), options, permissions(OWNER_ONLY));
    }

    /** Tells versions of the signer and the roots apart without reading them. */
    String stamp() throws CaException {
        return stamp(SIGNER) + stamp(ROOTS);
    }

    private String stamp(String name) throws CaException {
        Map<String, Object> attributes = attributes(path(name), LinkOption.NOFOLLOW_LINKS);
        return attributes.get("ino") + "," + attributes.get("ctime") + "," + attributes.get("size") + ";";
    }

    boolean exists(String name) {
        return Files.exists(path(name), LinkOption.NOFOLLOW_LINKS);
    }

    private Map<String, Object> attributes(Path file, LinkOption... options) throws CaException {
        try {
            return Files.readAttributes(file, "unix:uid,mode,ino,ctime,size", options);
        } catch (NoSuchFileException e) {
            throw new CaException(CaException.Code.NOT_INITIALISED, file + " does not exist; " + remedy(file), e);
        } catch (IOException e) {
            throw io("cannot read " + file, e);
        }
    }

    /** What helps where a file is missing; 'ca init' would refuse a directory that holds a signer. */
    private String remedy(Path missing) {
        if (missing.equals(path(ROOTS)) && exists(SIGNER)) {
            return "restore it from a backup; where there is none, run 'openssl x509 -in " + path(SIGNER) + " -out "
                    + missing + "', with which the signing root alone is trusted";
        }
        if (exists(NEXT_SIGNER)) {
            return "restore it from a backup: the directory holds the rest of an authority";
        }
        return "make a certificate authority with 'culvert-agent ca init " + dir + "'";
    }

    private static void requireOwner(Path file, Map<String, Object> attributes) throws CaException {
        int owner = (Integer) attributes.getOrDefault("uid", -1);
        int self;
        try {
            self = (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        } catch (IOException e) {
            throw io("cannot learn our own uid from /proc/self", e);
        }
        if (owner != self) {
            throw new CaException(
                    CaException.Code.WRONG_OWNER,
                    file + " belongs to uid " + owner + ", we run as uid " + self + "; run 'chown " + self + " " + file
                            + "' if you trust what it holds");
        }
    }

    private static int mode(Map<String, Object> attributes) {
        return (Integer) attributes.getOrDefault("mode", -1);
    }

    private static CaException unsafe(Path file, Map<String, Object> attributes, String command) {
        String mode = Integer.toOctalString(mode(attributes) & 0777);
        return new CaException(
                CaException.Code.UNSAFE_MODE,
                file + " has mode 0" + mode + " and is open to users other than its owner; run '" + command + "'");
    }

    private static CaException io(String what, IOException cause) {
        String detail = cause.getMessage() == null ? "" : " (" + cause.getMessage() + ")";
        return new CaException(
                CaException.Code.IO, what + ": " + cause.getClass().getSimpleName() + detail, cause);
    }

    private static FileAttribute<Set<PosixFilePermission>> permissions(String mode) {
        return PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(mode));
    }

    /** A change of the directory. */
    interface Change<T> {
        T run() throws CaException;
    }
}
