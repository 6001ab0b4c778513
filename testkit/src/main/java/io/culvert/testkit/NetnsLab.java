package io.culvert.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A network of real namespaces on one bridge, apart from the machine's own network: nodes, pods, and hosts outside.
 *
 * <pre>
 *   node a   node b   pod c   pod d ...        outside o (198.51.100.N, 2001:db8:51::N)
 *     |        |        |       |                |
 *   ====== bridge in a namespace of its own ======   router for all: 10.88.0.1, fd88::1
 *   nodes 10.88.1.N, fd88::1:N     pods 10.88.2.N, fd88::2:N      N counts up from 1
 * </pre>
 *
 * The labs' addresses are all alike, which does no harm: no lab sees another. Each namespace has lo and eth0 up and a default
 * route to the router, which forwards between the bridge and the hosts outside and answers "unreachable" for the rest.
 *
 * <p>Owns: the namespaces and the processes spawned in them; both go on {@link #close}, by a shutdown hook if the test never
 * comes to that, and by the next lab if this JVM is killed. Runs on: any; methods may be called concurrently.
 * Errors: without the privilege the builder fails and says what to do; it never skips.
 */
public final class NetnsLab implements AutoCloseable {
    private static final Duration COMMAND_TIME_MAX = Duration.ofSeconds(60);
    private static final AtomicInteger LABS = new AtomicInteger();
    private static final Pattern LAB_NAME = Pattern.compile("cv(\\d+)x\\d+-.*");
    private static final Path NETNS_FOLDER = Path.of("/run/netns");

    private final String prefix;
    private final boolean ipv6;
    private final Thread hook = new Thread(this::remove, "netns-lab-hook");
    private final Map<String, Netns> members = new LinkedHashMap<>();
    private final List<LabProcess> processes = new ArrayList<>();
    private int nodes;
    private int pods;
    private int outsiders;
    private int links;
    private boolean removed;

    /** What a lab is made of, in order. */
    public static final class Builder {
        private final List<java.util.function.Consumer<NetnsLab>> parts = new ArrayList<>();
        private boolean ipv6 = true;

        private Builder() {}

        /** A node. */
        public Builder node(String name) {
            parts.add(lab -> lab.addNode(name));
            return this;
        }

        /** A pod on a node. */
        public Builder pod(String name, String node) {
            parts.add(lab -> lab.addPod(name, node));
            return this;
        }

        /** A host in another subnet, behind the router. */
        public Builder outside(String name) {
            parts.add(lab -> lab.addOutside(name));
            return this;
        }

        /** A lab whose namespaces have no IPv6 at all. */
        public Builder withoutIpv6() {
            ipv6 = false;
            return this;
        }

        /** Makes it. */
        @SuppressWarnings("MustBeClosedChecker") // the caller closes what this returns
        public NetnsLab build() {
            NetnsLab lab = new NetnsLab(ipv6);
            try {
                lab.makeBridge();
                parts.forEach(part -> part.accept(lab));
                return lab;
            } catch (RuntimeException | Error e) {
                lab.close();
                throw e;
            }
        }
    }

    private NetnsLab(boolean ipv6) {
        this.prefix = "cv" + ProcessHandle.current().pid() + "x" + LABS.incrementAndGet() + "-";
        this.ipv6 = ipv6;
        removeLeftovers();
        Runtime.getRuntime().addShutdownHook(hook);
    }

    /** A lab to be described. */
    public static Builder builder() {
        return new Builder();
    }

    /** One of its namespaces, by the name that the test gave. */
    public synchronized Netns ns(String name) {
        Netns found = members.get(name);
        if (found == null) {
            throw new IllegalArgumentException("no " + name + " in this lab: " + members.keySet());
        }
        return found;
    }

    /** All its namespaces, in the order in which they were made. */
    public synchronized List<Netns> all() {
        return List.copyOf(members.values());
    }

    /** Adds a node. */
    public synchronized Netns addNode(String name) {
        nodes++;
        return join(
                name, Optional.empty(), "10.88.1." + bounded(nodes), 16, "fd88::1:" + nodes, "10.88.0.1", "fd88::1");
    }

    /** Adds a pod to a node. */
    public synchronized Netns addPod(String name, String node) {
        Netns home = ns(node);
        pods++;
        return join(
                name,
                Optional.of(home.name()),
                "10.88.2." + bounded(pods),
                16,
                "fd88::2:" + pods,
                "10.88.0.1",
                "fd88::1");
    }

    /** Adds a host in another subnet. */
    public synchronized Netns addOutside(String name) {
        outsiders++;
        int n = bounded(outsiders) + 1;
        return join(
                name, Optional.empty(), "198.51.100." + n, 24, "2001:db8:51::" + n, "198.51.100.1", "2001:db8:51::1");
    }

    private static int bounded(int n) {
        if (n > 250) {
            throw new IllegalStateException("a lab holds at most 250 of a kind");
        }
        return n;
    }

    /** Takes a namespace away, as when a pod is deleted; processes in it keep it alive until they end. */
    public synchronized void removeNs(String name) {
        Netns gone = ns(name);
        members.remove(name);
        ip("netns", "del", gone.netnsName());
    }

    /** Gives a namespace one more address, for example that of a service, and the router a route to it. */
    public synchronized void addAddress(Netns ns, String address) {
        boolean v6 = address.indexOf(':') >= 0;
        String width = v6 ? "/128" : "/32";
        in(
                ns.netnsName(),
                v6
                        ? List.of("addr", "add", address + width, "dev", "lo", "nodad")
                        : List.of("addr", "add", address + width, "dev", "lo"));
        in(
                bridgeNs(),
                List.of(
                        v6 ? "-6" : "-4",
                        "route",
                        "replace",
                        address + width,
                        "via",
                        (v6 ? ns.v6() : ns.ipv4()).getHostAddress()));
    }

    /** Runs a program inside to its end. */
    public CommandResult exec(Netns ns, String... command) {
        return exec(ns, List.of(command));
    }

    /** Runs a program inside to its end. */
    public CommandResult exec(Netns ns, List<String> command) {
        return Commands.run(COMMAND_TIME_MAX, inside(ns, command));
    }

    /** Starts a program inside; it is ended with the lab, if not before. */
    public LabProcess spawn(Netns ns, String... command) {
        return spawn(ns, List.of(command));
    }

    /** Starts a program inside; it is ended with the lab, if not before. */
    public LabProcess spawn(Netns ns, List<String> command) {
        return spawn(new ProcessBuilder(inside(ns, command)));
    }

    /** Starts a program outside the lab's namespaces that is ended with the lab; use {@link Netns#enter} to start it inside. */
    public synchronized LabProcess spawn(ProcessBuilder builder) {
        if (removed) {
            throw new IllegalStateException("the lab is closed");
        }
        LabProcess started = LabProcess.start(builder);
        processes.add(started);
        return started;
    }

    private static List<String> inside(Netns ns, List<String> command) {
        return Stream.concat(ns.enter().stream(), command.stream()).toList();
    }

    /** The namespace that holds the bridge, where every packet between two members can be seen. */
    public Path bridgePath() {
        return NETNS_FOLDER.resolve(bridgeNs());
    }

    private String bridgeNs() {
        return prefix + "br";
    }

    private void makeBridge() {
        CommandResult made = Commands.run(COMMAND_TIME_MAX, List.of("ip", "netns", "add", bridgeNs()));
        if (!made.ok()) {
            throw new IllegalStateException(
                    "cannot make a network namespace, which these tests need. Run them as root (`sudo make test`), "
                            + "or where user namespaces are allowed just `make test`, which enters one. The system said: "
                            + made);
        }
        in(bridgeNs(), List.of("link", "add", "br0", "type", "bridge", "forward_delay", "0"));
        sysctl(bridgeNs(), Stream.of("net.ipv4.ip_forward=1"));
        if (ipv6) {
            sysctl(
                    bridgeNs(),
                    Stream.of(
                            "net.ipv6.conf.all.forwarding=1",
                            "net.ipv6.conf.default.accept_dad=0",
                            "net.ipv6.conf.all.accept_dad=0",
                            "net.ipv6.conf.br0.accept_dad=0"));
        }
        batch(
                bridgeNs(),
                Stream.of(
                        "link set lo up",
                        "link set br0 up",
                        "addr add 10.88.0.1/16 dev br0",
                        "addr add 198.51.100.1/24 dev br0"));
        if (ipv6) {
            batch(
                    bridgeNs(),
                    Stream.of("addr add fd88::1/64 dev br0 nodad", "addr add 2001:db8:51::1/64 dev br0 nodad"));
        }
    }

    private Netns join(
            String name, Optional<String> node, String v4, int v4Bits, String v6, String router4, String router6) {
        if (!name.matches("[a-z0-9-]{1,40}") || members.containsKey(name)) {
            throw new IllegalArgumentException("not a new name of [a-z0-9-]: " + name);
        }
        Netns ns =
                new Netns(name, prefix + name, node, literal(v4), ipv6 ? Optional.of(literal(v6)) : Optional.empty());
        ip("netns", "add", ns.netnsName());
        members.put(name, ns);
        plug(ns);
        batch(
                ns.netnsName(),
                Stream.of(
                        "link set lo up",
                        "link set eth0 up",
                        "addr add " + v4 + "/" + v4Bits + " dev eth0",
                        "route add default via " + router4));
        if (ipv6) {
            batch(ns.netnsName(), Stream.of("addr add " + v6 + "/64 dev eth0 nodad", "route add ::/0 via " + router6));
        }
        return ns;
    }

    private void plug(Netns ns) {
        String port = "p" + ++links;
        in(bridgeNs(), List.of("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", ns.netnsName()));
        Stream<String> off = Stream.of(
                "net.ipv6.conf.all.disable_ipv6=1",
                "net.ipv6.conf.default.disable_ipv6=1",
                "net.ipv6.conf.lo.disable_ipv6=1");
        sysctl(
                ns.netnsName(),
                ipv6
                        ? Stream.of(
                                "net.ipv6.conf.all.accept_dad=0",
                                "net.ipv6.conf.default.accept_dad=0",
                                "net.ipv6.conf.eth0.accept_dad=0")
                        : off);
        batch(bridgeNs(), Stream.of("link set " + port + " master br0", "link set " + port + " up"));
    }

    private static InetAddress literal(String address) {
        try {
            return InetAddress.ofLiteral(address);
        } catch (IllegalArgumentException e) {
            throw new IllegalStateException(new UnknownHostException(address));
        }
    }

    private static void ip(String... arguments) {
        Commands.run(
                        COMMAND_TIME_MAX,
                        Stream.concat(Stream.of("ip"), Stream.of(arguments)).toList())
                .expectOk();
    }

    private static void in(String netns, List<String> arguments) {
        ip(Stream.concat(Stream.of("-n", netns), arguments.stream()).toArray(String[]::new));
    }

    private static void batch(String netns, Stream<String> lines) {
        ProcessBuilder command = new ProcessBuilder("ip", "-n", netns, "-batch", "-");
        Commands.run(COMMAND_TIME_MAX, command, String.join("\n", lines.toList()) + "\n")
                .expectOk();
    }

    private static void sysctl(String netns, Stream<String> settings) {
        Stream<String> head = Stream.of("nsenter", "--net=" + NETNS_FOLDER.resolve(netns), "sysctl", "-qw");
        Commands.run(COMMAND_TIME_MAX, Stream.concat(head, settings).toList()).expectOk();
    }

    /** Ends all processes spawned here and removes the namespaces; more than once is no error. */
    @Override
    public void close() {
        remove();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The JVM is going down, and the hook is what runs.
        }
    }

    private synchronized void remove() {
        if (removed) {
            return;
        }
        removed = true;
        for (int i = processes.size() - 1; i >= 0; i--) {
            processes.get(i).close();
        }
        netnsNames().filter(name -> name.startsWith(prefix)).forEach(NetnsLab::delete);
    }

    private static void removeLeftovers() {
        netnsNames().filter(NetnsLab::isOrphan).forEach(NetnsLab::delete);
    }

    private static boolean isOrphan(String name) {
        Matcher lab = LAB_NAME.matcher(name);
        return lab.matches() && !Files.exists(Path.of("/proc", lab.group(1)));
    }

    private static void delete(String name) {
        // Another lab may have swept it at the same moment; that it is gone is all that matters.
        Commands.run(COMMAND_TIME_MAX, List.of("ip", "netns", "del", name));
    }

    private static Stream<String> netnsNames() {
        List<String> names = new ArrayList<>();
        if (Files.isDirectory(NETNS_FOLDER)) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(NETNS_FOLDER)) {
                files.forEach(file -> names.add(file.getFileName().toString()));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return names.stream();
    }
}
