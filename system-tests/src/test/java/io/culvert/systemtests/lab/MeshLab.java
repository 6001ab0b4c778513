package io.culvert.systemtests.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import io.culvert.control.ca.CaDirectory;
import io.culvert.control.ca.CaException;
import io.culvert.protocol.identity.TrustDomain;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.Netns;
import io.culvert.testkit.NetnsLab;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * A running mesh: two nodes {@code one} and {@code two} with an agent process each, pods, hosts outside, one
 * {@code mesh.yaml} and one authority that both agents share.
 *
 * <pre>
 * &#64;RegisterExtension
 * static final MeshLabExtension LAB = new MeshLabExtension(MeshLab.builder().pod("client", "one").pod("server", "two"));
 * </pre>
 *
 * <p>Owns: the namespaces, the processes in them and a temporary folder; all go on {@link #close}. The agents' rules live
 * in the namespaces and go with them.
 */
public final class MeshLab implements Agents, AutoCloseable {
    /** The nodes. */
    public static final List<String> NODES = List.of("one", "two");

    private static final Duration IN_FORCE_MAX = Duration.ofSeconds(10);

    private final NetnsLab net;
    private final Builder plan;
    private final Path folder;
    private final Map<String, AgentProcess> agents = new LinkedHashMap<>();
    private final List<AgentProcess> all = new ArrayList<>();
    private MeshYaml mesh;

    /** What a lab is made of. */
    public static final class Builder {
        private final NetnsLab.Builder net = NetnsLab.builder();
        private final List<String> pods = new ArrayList<>();
        private final List<String> flags = new ArrayList<>();
        private final Map<String, String> environment = new HashMap<>();
        private UnaryOperator<MeshYaml> edit = UnaryOperator.identity();
        private boolean startAgents = true;

        private Builder() {
            NODES.forEach(net::node);
        }

        /** A pod on a node, captured from the start. */
        public Builder pod(String name, String node) {
            net.pod(name, node);
            pods.add(name);
            return this;
        }

        /** A pod on a node that is not in the mesh. */
        public Builder legacyPod(String name, String node) {
            net.pod(name, node);
            return this;
        }

        /** A host in another subnet. */
        public Builder outside(String name) {
            net.outside(name);
            return this;
        }

        /** A change to the first {@code mesh.yaml}, which holds all captured pods. */
        public Builder mesh(UnaryOperator<MeshYaml> change) {
            UnaryOperator<MeshYaml> before = edit;
            edit = mesh -> change.apply(before.apply(mesh));
            return this;
        }

        /** Flags of both agents. */
        public Builder flags(String... more) {
            flags.addAll(List.of(more));
            return this;
        }

        /** A variable in both agents' environment. */
        public Builder environment(String name, String value) {
            environment.put(name, value);
            return this;
        }

        /** The test starts the agents itself. */
        public Builder withoutAgents() {
            startAgents = false;
            return this;
        }

        /** Makes it, and waits until both agents serve their pods. */
        @SuppressWarnings("MustBeClosedChecker") // the caller closes what this returns
        public MeshLab start() {
            MeshLab lab = new MeshLab(net.build(), this);
            try {
                if (startAgents) {
                    NODES.forEach(lab::startAgent);
                    NODES.forEach(lab::awaitServing);
                }
                return lab;
            } catch (RuntimeException | Error e) {
                lab.printLogs();
                lab.close();
                throw e;
            }
        }
    }

    private MeshLab(NetnsLab net, Builder plan) {
        this.net = net;
        this.plan = plan;
        MeshYaml first = MeshYaml.empty();
        for (String pod : plan.pods) {
            first = first.pod(net.ns(pod));
        }
        this.mesh = plan.edit.apply(first);
        try {
            this.folder = Files.createTempDirectory(
                    "mesh-lab", PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            CaDirectory.init(
                    caFolder(),
                    TrustDomain.CLUSTER_LOCAL,
                    CaDirectory.ROOT_VALIDITY_DEFAULT,
                    InstantSource.system(),
                    new SecureRandom());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (CaException e) {
            throw new IllegalStateException(e);
        }
        write(mesh.text());
    }

    /** A lab to be described. */
    public static Builder builder() {
        return new Builder();
    }

    /** The namespaces. */
    public NetnsLab net() {
        return net;
    }

    /** One of the namespaces. */
    public Netns ns(String name) {
        return net.ns(name);
    }

    /** The IPv4 address of a namespace. */
    public String ip(String name) {
        return ns(name).ipv4().getHostAddress();
    }

    /** The authority's directory. */
    public Path caFolder() {
        return folder.resolve("ca");
    }

    /** Where {@code mesh.yaml} is. */
    public Path meshFile() {
        return folder.resolve("mesh.yaml");
    }

    /** What was applied last. */
    public MeshYaml mesh() {
        return mesh;
    }

    @Override
    public AgentProcess agent(String node) {
        AgentProcess found = agents.get(node);
        if (found == null) {
            throw new IllegalStateException("no agent runs on " + node);
        }
        return found;
    }

    /** Whether an agent was started on a node and not stopped. */
    public boolean hasAgent(String node) {
        return agents.containsKey(node);
    }

    @Override
    public List<AgentProcess> agents() {
        return List.copyOf(agents.values());
    }

    /** Starts the agent of a node; it is not ready yet. */
    public AgentProcess startAgent(String node) {
        return startAgent(node, Map.of());
    }

    /** Starts the agent of a node with these variables in its environment. */
    public AgentProcess startAgent(String node, Map<String, String> environment) {
        if (agents.containsKey(node)) {
            throw new IllegalStateException("an agent runs on " + node + " already");
        }
        Map<String, String> variables = new HashMap<>(plan.environment);
        variables.putAll(environment);
        AgentProcess started = AgentProcess.start(net, ns(node), arguments(node), variables);
        agents.put(node, started);
        all.add(started);
        return started;
    }

    private List<String> arguments(String node) {
        List<String> arguments = new ArrayList<>(List.of(
                "--node-name=" + node,
                "--mesh-file=" + meshFile(),
                "--ca-dir=" + caFolder(),
                "--state-dir=" + caFolder().resolveSibling("state"),
                "--log-format=json",
                "--pool-unused-release-timeout=1s"));
        // Later flags are the test's own, which may say otherwise.
        plan.flags.forEach(flag -> {
            arguments.removeIf(byDefault -> sameName(byDefault, flag));
            arguments.add(flag);
        });
        return arguments;
    }

    private static boolean sameName(String flag, String other) {
        return flag.split("=", 2)[0].equals(other.split("=", 2)[0]);
    }

    /** Waits until the agent of a node is ready and serves all its pods, and notes what it has open while idle. */
    public void awaitServing(String node) {
        agent(node).awaitReady();
        awaitInForce(node, mesh);
        agent(node).noteIdle();
    }

    /** Stops the agent of a node, demands exit code 0 and no trouble. */
    public void stopAgent(String node) {
        AgentProcess stopped = agent(node);
        agents.remove(node);
        stopped.stop();
        assertEquals(List.of(), stopped.trouble(), "what " + node + "'s agent says of itself");
    }

    /** Takes an agent that the test itself has ended out of the lab's care. */
    public void forgetAgent(String node) {
        agents.remove(node);
    }

    /** Replaces {@code mesh.yaml} and waits until every agent has it in force, pods included. */
    public void apply(MeshYaml changed) {
        post(changed);
        agents.keySet().forEach(node -> awaitInForce(node, changed));
    }

    /** Replaces {@code mesh.yaml} and does not wait. */
    public void post(MeshYaml changed) {
        mesh = changed;
        write(changed.text());
    }

    /** Puts another text in the place of {@code mesh.yaml}, whole at once, right or wrong. */
    public void write(String text) {
        try {
            Path beside = Files.writeString(folder.resolve("mesh.yaml.new"), text);
            Files.move(beside, meshFile(), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits until an agent has this file in force and serves exactly its node's pods. */
    public void awaitInForce(String node, MeshYaml wanted) {
        Eventually.passes("the mesh file is in force on " + node, IN_FORCE_MAX, () -> {
            JsonNode dump = agent(node).configDump();
            assertEquals(versionOf(wanted.text()), dump.at("/meshFile/version").asText());
            Set<String> served = new HashSet<>();
            for (JsonNode pod : dump.path("workloadState")) {
                assertEquals("Up", pod.path("state").asText(), pod.toString());
                served.add(pod.at("/info/name").asText());
            }
            assertEquals(new HashSet<>(wanted.podsOf(node)), served);
        });
    }

    private static String versionOf(String text) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash, 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** What the agents have counted so far, to be compared with later. */
    public Observation observe() {
        return new Observation(this);
    }

    /** The firewall rules of a namespace, both families: rules, chains that somebody made, and policies that drop. */
    public String rules(Netns ns) {
        StringBuilder rules = new StringBuilder();
        for (String save : List.of("iptables-save", "ip6tables-save")) {
            String table = "";
            for (String line : net.exec(ns, save).expectOk().out().split("\n", -1)) {
                table = line.startsWith("*") ? line : table;
                // A table that once was used stays, as do its chains, which then let everything pass.
                if (line.startsWith("-") || line.startsWith(":") && !line.contains(" ACCEPT ")) {
                    rules.append(save).append(' ').append(table).append(' ');
                    rules.append(line.replaceAll("\\[\\d+:\\d+]", "")).append('\n');
                }
            }
        }
        return rules.toString();
    }

    /**
     * Demands that no agent reports trouble of its own, and waits until all have let go of what connections needed; if not so,
     * prints their logs.
     */
    public void verify() {
        try {
            expectNoTrouble();
            agents.values().forEach(AgentProcess::awaitIdle);
        } catch (AssertionError e) {
            printLogs();
            throw e;
        }
    }

    /** Demands that no agent reports trouble of its own. */
    public void expectNoTrouble() {
        for (AgentProcess agent : all) {
            assertEquals(List.of(), agent.trouble(), "what an agent says of itself: " + agent.node());
        }
        for (AgentProcess agent : agents.values()) {
            assertEquals(0, agent.metrics().ended("bug"), "connections ended by a fault of the agent");
        }
    }

    /** Prints the last of what the agents said, for whoever reads why a test failed. */
    public void printLogs() {
        for (AgentProcess agent : all) {
            String[] lines = agent.toString().split("\n", -1);
            System.out.println(
                    String.join("\n", Arrays.copyOfRange(lines, Math.max(0, lines.length - 150), lines.length)));
        }
    }

    /** Stops the agents, demands that each drains and ends well, and removes everything. */
    @Override
    public void close() {
        try (net) {
            List.copyOf(agents.keySet()).forEach(this::stopAgent);
        } finally {
            removeFolder();
        }
    }

    private void removeFolder() {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
