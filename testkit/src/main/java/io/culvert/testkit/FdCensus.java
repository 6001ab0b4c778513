package io.culvert.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Map;
import java.util.TreeMap;

/**
 * The open descriptors of a process, counted by kind: {@code socket}, {@code pipe}, {@code anon_inode:[eventpoll]}, {@code net}
 * (a network namespace), {@code device}, {@code file}. Taken before and after a test, it shows what leaked.
 *
 * <p>Source: proc(5), /proc/PID/fd.
 */
public record FdCensus(Map<String, Integer> byKind) {
    /** Copies the counts in order of kind. */
    public FdCensus {
        byKind = new TreeMap<>(byKind);
    }

    // What the JVM opens once and keeps is opened first: else the first test that needs it would be taken for one that
    // leaks.
    static {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                Socket client = new Socket(server.getInetAddress(), server.getLocalPort());
                Socket accepted = server.accept()) {
            accepted.getOutputStream()
                    .write(SecureRandom.getInstance("NativePRNG").nextInt() & 1);
            int _ = client.getInputStream().read();
        } catch (IOException | NoSuchAlgorithmException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** The descriptors of this process. */
    public static FdCensus ofSelf() {
        return of(ProcessHandle.current().pid());
    }

    /** The descriptors of a process that this user may look into. */
    public static FdCensus of(long pid) {
        Map<String, Integer> counts = new TreeMap<>();
        try (DirectoryStream<Path> fds = Files.newDirectoryStream(Path.of("/proc", Long.toString(pid), "fd"))) {
            for (Path fd : fds) {
                count(fd, counts);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new FdCensus(counts);
    }

    private static void count(Path fd, Map<String, Integer> counts) throws IOException {
        try {
            counts.merge(kind(Files.readSymbolicLink(fd).toString()), 1, Integer::sum);
        } catch (NoSuchFileException e) {
            // Closed between listing and reading: the descriptor of the listing itself is always among these.
        }
    }

    private static String kind(String target) {
        if (target.startsWith("/proc/") && target.endsWith("/fd")) {
            return "listing";
        }
        if (target.startsWith("/run/netns/")) {
            return "net";
        }
        if (target.startsWith("/")) {
            return target.startsWith("/dev/") ? "device" : "file";
        }
        return target.startsWith("anon_inode") ? target : target.substring(0, Math.max(0, target.indexOf(':')));
    }

    /** How many there are of a kind. */
    public int count(String kind) {
        return byKind.getOrDefault(kind, 0);
    }

    /** How many there are, of all kinds but ordinary files, which the JVM opens and closes as it loads classes. */
    public int countWithoutFiles() {
        return byKind.entrySet().stream()
                .filter(e -> !e.getKey().equals("file") && !e.getKey().equals("listing"))
                .mapToInt(Map.Entry::getValue)
                .sum();
    }

    /** What is more (positive) or fewer (negative) here than in an earlier census, by kind, files left out. */
    public Map<String, Integer> since(FdCensus earlier) {
        Map<String, Integer> change = new TreeMap<>(byKind);
        earlier.byKind.forEach((kind, count) -> change.merge(kind, -count, Integer::sum));
        change.values().removeIf(n -> n == 0);
        change.remove("file");
        change.remove("listing");
        return change;
    }
}
