package io.culvert.systemtests.ambient;

import io.culvert.agent.tls.Hello;
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
import java.util.Set;
import java.util.stream.Collectors;

/** Listens where every packet between two nodes passes, for what TLS is agreed on in tunnels. */
final class HelloCapture {
    private static final Duration LONG = Duration.ofSeconds(20);

    private HelloCapture() {}

    /**
     * What servers chose, once each, while something was done.
     *
     * @param version of TLS
     * @param groups of which a key was sent; up to 1.2 that is said elsewhere
     */
    record Choice(List<Integer> version, List<Integer> groups) {}

    static Set<Choice> during(NetnsLab net, Runnable something) {
        try {
            Path file = Files.createTempFile(
                    "hello",
                    ".pcap",
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-rw-rw-")));
            try {
                capture(net, file, something);
                return choices(file);
            } finally {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Set<Choice> choices(Path file) throws IOException {
        return Hello.find(Files.readAllBytes(file)).stream()
                .filter(Hello::ofServer)
                .map(hello -> new Choice(hello.versions(), hello.shares()))
                .collect(Collectors.toSet());
    }

    private static void capture(NetnsLab net, Path file, Runnable something) {
        String bridge = "--net=" + net.bridgePath();
        try (LabProcess capture = net.spawn(new ProcessBuilder(
                "nsenter",
                bridge,
                "tcpdump",
                "-n",
                "-U",
                "-Z",
                "root",
                "-i",
                "any",
                "-w",
                file.toString(),
                "tcp port 15008"))) {
            capture.awaitLine("listening on", LONG);
            something.run();
            Eventually.holds("packets are written", LONG, () -> !choices(file).isEmpty());
            CommandResult _ = capture.stop().expectOk();
        }
    }
}
