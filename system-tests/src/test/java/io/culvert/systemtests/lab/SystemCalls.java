package io.culvert.systemtests.lab;

import io.culvert.testkit.CommandResult;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.LabProcess;
import io.culvert.testkit.NetnsLab;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.LongSummaryStatistics;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.ObjLongConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Counts the bytes that a process's system calls move, by tracing it with strace(1) until it is closed. */
public final class SystemCalls implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final String COPYING =
            "read,readv,recvfrom,recvmsg,recvmmsg,write,writev,sendto,sendmsg,sendmmsg,sendfile";
    /** A call that gave a positive result; a descriptor is followed by what it is. */
    private static final Pattern CALL = Pattern.compile("(\\w+)\\(\\d+<(\\w+)[:\\[>].* = (\\d+)");

    private final Path folder;
    private final LabProcess strace;

    private SystemCalls(Path folder, LabProcess strace) {
        this.folder = folder;
        this.strace = strace;
    }

    /** Begins to trace; every thread is traced once this returns. */
    public static SystemCalls of(NetnsLab net, long pid) {
        try {
            Path folder = Files.createTempDirectory(
                    "calls", PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            LabProcess strace = net.spawn(new ProcessBuilder(
                    "strace",
                    "-ff",
                    "-yy",
                    "-s0",
                    "-e",
                    "trace=splice," + COPYING,
                    "-o",
                    folder.resolve("thread").toString(),
                    "-p",
                    Long.toString(pid)));
            SystemCalls calls = new SystemCalls(folder, strace);
            Eventually.holds("every thread is traced", PATIENCE, () -> calls.tracesAll(pid));
            return calls;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private boolean tracesAll(long pid) {
        try (Stream<Path> threads = Files.list(Path.of("/proc/" + pid + "/task"))) {
            return threads.allMatch(thread -> {
                try {
                    return Files.readString(thread.resolve("status")).contains("TracerPid:\t" + strace.pid() + "\n");
                } catch (IOException e) {
                    // It has ended.
                    return true;
                }
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Ends tracing. */
    public CommandResult stop() {
        return strace.stop();
    }

    /** Bytes that splice(2) took out of sockets. */
    public long splicedBytes() {
        return bytes("splice");
    }

    /** Bytes that went between sockets and the process's memory. */
    public long copiedBytes() {
        return bytes(COPYING);
    }

    /** What was moved, for whoever wonders: a line for each call and power of two of its size, with calls and bytes. */
    public String sizes() {
        Map<String, LongSummaryStatistics> sizes = new TreeMap<>();
        each(
                List.of(("splice," + COPYING).split(",", -1)),
                (name, bytes) -> sizes.computeIfAbsent(
                                String.format(Locale.ROOT, "%-8s %8d", name, Long.highestOneBit(bytes)),
                                _ -> new LongSummaryStatistics())
                        .accept(bytes));
        StringBuilder lines = new StringBuilder();
        sizes.forEach((what, moved) -> lines.append(
                String.format(Locale.ROOT, "%s.. x %d: %d bytes%n", what, moved.getCount(), moved.getSum())));
        return lines.toString();
    }

    private long bytes(String names) {
        LongAdder sum = new LongAdder();
        each(List.of(names.split(",", -1)), (name, bytes) -> sum.add(bytes));
        return sum.sum();
    }

    private void each(List<String> wanted, ObjLongConsumer<String> taker) {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                try (Stream<String> lines = Files.lines(file)) {
                    lines.map(CALL::matcher)
                            .filter(Matcher::lookingAt)
                            .filter(call -> wanted.contains(call.group(1)) && isSocket(call.group(2)))
                            .forEach(call -> taker.accept(call.group(1), Long.parseLong(call.group(3))));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** In a namespace other than its own strace knows no more than that it is a socket. */
    private static boolean isSocket(String kind) {
        return kind.equals("socket") || kind.startsWith("TCP") || kind.startsWith("UNIX") || kind.startsWith("UDP");
    }

    @Override
    public void close() {
        strace.close();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
            Files.delete(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
