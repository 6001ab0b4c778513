package io.culvert.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * The probe program {@code netprobe}, an ordinary C program that knows nothing of proxies, run inside a lab's namespaces.
 * Its steps (send, recv, both, echo, fin, rst, reset, ...) are listed at the head of netprobe.c; options come before the steps.
 */
public final class NetProbe {
    private static final Duration START_TIME_MAX = Duration.ofSeconds(10);
    private static final String RESOURCE = "netprobe";

    private NetProbe() {}

    /** The program's file. */
    public static Path program() {
        return Holder.PROGRAM;
    }

    private static final class Holder {
        static final Path PROGRAM = locate();
    }

    private static Path locate() {
        URL found =
                Objects.requireNonNull(NetProbe.class.getResource(RESOURCE), "netprobe was not built into the testkit");
        try {
            URI at = found.toURI();
            return at.getScheme().equals("file") && Files.isExecutable(Path.of(at)) ? Path.of(at) : unpack(found);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Path unpack(URL from) throws IOException {
        Path to = Files.createTempFile(
                "netprobe", "", PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        to.toFile().deleteOnExit();
        try (InputStream bytes = from.openStream()) {
            Files.copy(bytes, to, StandardCopyOption.REPLACE_EXISTING);
        }
        Files.setPosixFilePermissions(to, PosixFilePermissions.fromString("rwx------"));
        return to;
    }

    /** Starts a TCP server on a port of both families and waits until it listens; every connection goes through the steps. */
    public static LabProcess serve(NetnsLab lab, Netns ns, int port, String... steps) {
        return serve(lab, ns, port, List.of(), steps);
    }

    /** Starts a TCP server with options. */
    public static LabProcess serve(NetnsLab lab, Netns ns, int port, List<String> options, String... steps) {
        List<String> command = command("serve", options);
        command.addAll(List.of("--port", Integer.toString(port), "--"));
        command.addAll(List.of(steps));
        return listening(lab.spawn(ns, command));
    }

    /** Connects once and goes through the steps; exit 0 means that all of them held. */
    public static CommandResult connect(NetnsLab lab, Netns ns, InetAddress to, int port, String... steps) {
        return connect(lab, ns, to, port, List.of(), steps);
    }

    /** Connects with options, such as {@code --connections 2000}. */
    public static CommandResult connect(
            NetnsLab lab, Netns ns, InetAddress to, int port, List<String> options, String... steps) {
        return lab.exec(ns, connectCommand(to, port, options, steps));
    }

    /** Starts a client that goes on beside the test. */
    public static LabProcess spawnConnect(
            NetnsLab lab, Netns ns, InetAddress to, int port, List<String> options, String... steps) {
        return lab.spawn(ns, connectCommand(to, port, options, steps));
    }

    private static List<String> connectCommand(InetAddress to, int port, List<String> options, String... steps) {
        List<String> command = command("connect", options);
        command.addAll(List.of(to.getHostAddress(), Integer.toString(port), "--"));
        command.addAll(List.of(steps));
        return command;
    }

    /** Starts a UDP echo server and waits until it listens. */
    public static LabProcess serveUdp(NetnsLab lab, Netns ns, int port) {
        return serveUdp(lab, ns, port, List.of());
    }

    /** Starts a UDP echo server with options, such as {@code --bind 127.0.0.1}. */
    public static LabProcess serveUdp(NetnsLab lab, Netns ns, int port, List<String> options) {
        List<String> command = command("udp-serve", options);
        command.addAll(List.of("--port", Integer.toString(port)));
        return listening(lab.spawn(ns, command));
    }

    /** Sends an ICMP echo request, which must be answered. */
    public static CommandResult ping(NetnsLab lab, Netns ns, InetAddress to) {
        return lab.exec(ns, program().toString(), "ping", to.getHostAddress(), "0");
    }

    /** Sends so many datagrams, each of which must come back. */
    public static CommandResult udp(NetnsLab lab, Netns ns, InetAddress to, int port, int datagrams) {
        List<String> command =
                command("udp", List.of("--connections", Integer.toString(datagrams), "--timeout-ms", "2000"));
        command.addAll(List.of(to.getHostAddress(), Integer.toString(port)));
        return lab.exec(ns, command);
    }

    private static List<String> command(String mode, List<String> options) {
        List<String> command = new ArrayList<>(List.of(program().toString(), mode));
        command.addAll(options);
        return command;
    }

    private static LabProcess listening(LabProcess server) {
        server.awaitLine("^listening ", START_TIME_MAX);
        return server;
    }
}
