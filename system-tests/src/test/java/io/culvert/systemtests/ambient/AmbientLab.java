package io.culvert.systemtests.ambient;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.culvert.agent.fakeplane.FakeAuthority;
import io.culvert.agent.fakeplane.FakeControlPlane;
import io.culvert.agent.fakeplane.FakeDiscovery;
import io.culvert.agent.mesh.Records;
import io.culvert.agent.tls.TlsProfile;
import io.culvert.agent.zds.ZdsServer;
import io.culvert.cni.redirect.RedirectApplier;
import io.culvert.cni.redirect.RedirectException;
import io.culvert.cni.redirect.RedirectSpec;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;
import io.culvert.protocol.xds.MeshResource;
import io.culvert.protocol.xds.MeshResources;
import io.culvert.protocol.zds.PodUid;
import io.culvert.protocol.zds.WorkloadInfo;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import io.culvert.systemtests.lab.AgentProcess;
import io.culvert.systemtests.lab.Agents;
import io.culvert.systemtests.lab.MeshYaml;
import io.culvert.systemtests.lab.Observation;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.Netns;
import io.culvert.testkit.NetnsLab;
import io.netty.channel.epoll.EpollServerSocketChannel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Two nodes {@code one} and {@code two} of an ambient mesh, each with an agent process that knows nothing but its environment; a
 * host {@code control} with discovery and authority at port 15012; on each node somebody who hands pods over and writes their
 * redirect rules.
 *
 * <p>Owns: the namespaces, the processes in them, the servers and a temporary folder; all go on {@link #close}.
 */
public final class AmbientLab implements Agents, AutoCloseable {
    /** The nodes. */
    public static final List<String> NODES = List.of("one", "two");

    /** The namespace of all pods. */
    public static final String NAMESPACE = MeshYaml.NAMESPACE;

    private static final int CONTROL_PORT = 15_012;
    private static final Duration SOON = Duration.ofSeconds(20);
    private static final String MARKER = "marker";

    private final NetnsLab net;
    private final Path folder;
    private final FakeControlPlane plane;
    private final Builder plan;
    private final Map<String, ZdsServer> nodeAgents = new LinkedHashMap<>();
    private final Map<String, AgentProcess> agents = new LinkedHashMap<>();
    /** All that were ever started, but for those of another program. */
    private final List<AgentProcess> ours = new ArrayList<>();

    private final Set<String> handedOver = new TreeSet<>();
    private final Map<String, Set<String>> known = new HashMap<>();
    private int generation;

    /** What a lab is made of. */
    public static final class Builder {
        private final NetnsLab.Builder net = NetnsLab.builder();
        private final List<String> pods = new ArrayList<>();
        private final List<String> dedicated = new ArrayList<>();
        private final Map<String, Function<AmbientLab, String>> environment = new HashMap<>();
        private final Map<String, List<String>> programs = new HashMap<>();
        private @Nullable TlsProfile control;
        private @Nullable Function<AmbientLab, String> resolvConf;

        private Builder() {
            NODES.forEach(net::node);
            net.outside("control");
        }

        /** A pod on a node, captured from the start. */
        public Builder pod(String name, String node) {
            net.pod(name, node);
            pods.add(name);
            return this;
        }

        /** A pod on a node, captured from the start by an agent inside it; the nodes have none then. */
        public Builder dedicated(String name, String node) {
            net.pod(name, node);
            dedicated.add(name);
            return this;
        }

        /** A pod on a node that nobody hands over. */
        public Builder legacyPod(String name, String node) {
            net.pod(name, node);
            return this;
        }

        /** A host in another subnet. */
        public Builder outside(String name) {
            net.outside(name);
            return this;
        }

        /** A further variable in both agents' environment, or another value of one that there is. */
        public Builder environment(String name, String value) {
            return environment(name, lab -> value);
        }

        /** A variable whose value depends on the lab. */
        public Builder environment(String name, Function<AmbientLab, String> value) {
            environment.put(name, value);
            return this;
        }

        /** How discovery and authority speak TLS; the JDK's way where this is not said. */
        public Builder control(TlsProfile profile) {
            control = profile;
            return this;
        }

        /** What both agents see as {@code /etc/resolv.conf}. */
        public Builder resolvConf(Function<AmbientLab, String> text) {
            resolvConf = text;
            return this;
        }

        /** Another program in the place of a node's agent. */
        public Builder program(String node, String... command) {
            programs.put(node, List.of(command));
            return this;
        }

        /** Makes it, and waits until both agents are ready and serve their pods. */
        @SuppressWarnings("MustBeClosedChecker") // the caller closes what this returns
        public AmbientLab start() {
            AmbientLab lab = new AmbientLab(net.build(), this);
            try {
                lab.mesh();
                if (!dedicated.isEmpty()) {
                    dedicated.forEach(lab::captureInside);
                    dedicated.forEach(lab::startInside);
                    dedicated.forEach(lab::awaitServing);
                    return lab;
                }
                NODES.forEach(lab::startAgent);
                pods.forEach(pod -> {
                    lab.capture(pod);
                    lab.handOver(pod);
                });
                NODES.forEach(lab::awaitServing);
                return lab;
            } catch (RuntimeException | Error e) {
                lab.printLogs();
                lab.close();
                throw e;
            }
        }
    }

    private AmbientLab(NetnsLab net, Builder plan) {
        this.net = net;
        this.plan = plan;
        try {
            folder = Files.createTempDirectory(
                    "ambient", PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            Netns control = net.ns("control");
            plane = FakeControlPlane.start(
                    "istiod.istio-system.svc",
                    new InetSocketAddress(control.ipv4(), CONTROL_PORT),
                    () -> NamespaceThread.call(control, EpollServerSocketChannel::new),
                    plan.control);
            Files.writeString(rootFile(), plane.rootPem());
            for (String node : NODES) {
                Path tokens = Files.createDirectories(folder(node).resolve("var/run/secrets/tokens"));
                Files.writeString(tokens.resolve("istio-token"), "token-of-" + node);
                nodeAgents.put(node, ZdsServer.listen(socket(node), ZdsServer.Cadence.DEFAULT));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (ShimException e) {
            throw new IllegalStateException(e);
        }
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

    /** What tells of the mesh. */
    public FakeDiscovery discovery() {
        return plane.discovery();
    }

    /** What signs. */
    public FakeAuthority authority() {
        return plane.authority();
    }

    FakeControlPlane plane() {
        return plane;
    }

    /** The working directory of a node's agent. */
    public Path folder(String node) {
        return folder.resolve(node);
    }

    private Path rootFile() {
        return folder.resolve("root-cert.pem");
    }

    private Path socket(String node) {
        return folder(node).resolve("ztunnel.sock");
    }

    /** Exactly what a node's agent is told when it starts. */
    public Map<String, String> environment(String node) {
        String control = "https://" + ip("control") + ":" + CONTROL_PORT;
        Map<String, String> variables = new HashMap<>();
        variables.put("XDS_ADDRESS", control);
        variables.put("CA_ADDRESS", control);
        variables.put("XDS_ROOT_CA", rootFile().toString());
        variables.put("CA_ROOT_CA", rootFile().toString());
        variables.put("INPOD_UDS", socket(node).toString());
        variables.put("NODE_NAME", node);
        variables.put("POD_NAME", agentPod(node));
        variables.put("POD_NAMESPACE", "istio-system");
        variables.put("SERVICE_ACCOUNT", "ztunnel");
        plan.environment.forEach((name, value) -> variables.put(name, value.apply(this)));
        return variables;
    }

    /** What the pod of a node's agent is called. */
    public static String agentPod(String node) {
        return "ztunnel-" + node;
    }

    /** Starts the agent of a node; it is not ready yet. */
    public AgentProcess startAgent(String node) {
        AgentProcess started = AgentProcess.startAlone(
                net, ns(node), folder(node), environment(node), wrapper(), plan.programs.getOrDefault(node, List.of()));
        agents.put(node, started);
        if (!plan.programs.containsKey(node)) {
            ours.add(started);
        }
        return started;
    }

    /** Starts an agent inside a pod, for that pod alone; it is not ready yet. */
    public AgentProcess startInside(String pod) {
        Map<String, String> variables = environment(ns(pod).node().orElseThrow());
        List.of("INPOD_UDS", "POD_NAME", "POD_NAMESPACE", "SERVICE_ACCOUNT").forEach(variables::remove);
        variables.put("PROXY_MODE", "dedicated");
        variables.put("PROXY_WORKLOAD_INFO", NAMESPACE + "/" + pod + "/" + pod);
        variables.put("PACKET_MARK", "1337");
        Path tokens = folder(pod).resolve("var/run/secrets/tokens");
        try {
            Files.writeString(Files.createDirectories(tokens).resolve("istio-token"), MeshYaml.idOf(pod));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        AgentProcess started = AgentProcess.startAlone(net, ns(pod), folder(pod), variables, wrapper(), List.of());
        agents.put(pod, started);
        ours.add(started);
        return started;
    }

    /** The command that the agents' one is given to. */
    private List<String> wrapper() {
        Function<AmbientLab, String> conf = plan.resolvConf;
        if (conf == null) {
            return List.of();
        }
        String file = write("resolv.conf", conf.apply(this)).toString();
        String script = "mount --bind \"$1\" /etc/resolv.conf && shift && exec \"$@\"";
        return List.of("unshare", "--mount", "sh", "-c", script, "sh", file);
    }

    /** Writes a file where both agents can read it. */
    public Path write(String name, String text) {
        try {
            return Files.writeString(folder.resolve(name), text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public AgentProcess agent(String node) {
        AgentProcess found = agents.get(node);
        if (found == null) {
            throw new IllegalStateException("no agent runs on " + node);
        }
        return found;
    }

    /** Whether an agent was started on a node and not taken out of the lab's care. */
    public boolean hasAgent(String node) {
        return agents.containsKey(node);
    }

    @Override
    public List<AgentProcess> agents() {
        return List.copyOf(agents.values());
    }

    /** Takes an agent that the test itself has ended out of the lab's care. */
    public void forgetAgent(String node) {
        agents.remove(node);
    }

    /** Writes the redirect rules of a pod. */
    public void capture(String pod) {
        try {
            RedirectApplier.detect().apply(ns(pod).path(), RedirectSpec.standard());
        } catch (RedirectException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Writes the redirect rules of a pod with an agent inside, whose calls of the control plane are left alone. */
    public void captureInside(String pod) {
        capture(pod);
        net.exec(
                        ns(pod),
                        "iptables",
                        "-t",
                        "nat",
                        "-I",
                        "OUTPUT",
                        "-p",
                        "tcp",
                        "--dport",
                        Integer.toString(CONTROL_PORT),
                        "-j",
                        "ACCEPT")
                .expectOk();
    }

    /** Hands a pod to its node's agent; it is not served yet. */
    @SuppressWarnings("FutureReturnValueIgnored") // the dump tells when it is served
    public void handOver(String pod) {
        try {
            nodeAgent(pod).add(uid(pod), new WorkloadInfo(pod, NAMESPACE, pod), PodNetns.open(ns(pod).path()));
            handedOver.add(pod);
        } catch (ShimException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Takes a pod back, as when it is deleted; returns once the agent was told. */
    public void delete(String pod) {
        handedOver.remove(pod);
        nodeAgent(pod)
                .remove(uid(pod))
                .orTimeout(SOON.toSeconds(), TimeUnit.SECONDS)
                .join();
    }

    private ZdsServer nodeAgent(String pod) {
        return Objects.requireNonNull(nodeAgents.get(ns(pod).node().orElseThrow()));
    }

    /** The uid that a pod is handed over with. */
    public static PodUid uid(String pod) {
        return new PodUid("11111111-2222-3333-4444-" + pod);
    }

    /** Waits until the agent of a node is ready, serves all pods that were handed over, and knows the mesh as it is. */
    public void awaitServing(String node) {
        agent(node).awaitReady();
        awaitKnown(node);
    }

    private void awaitKnown(String node) {
        Eventually.passes("the mesh is known on " + node, SOON, () -> {
            JsonNode dump = agent(node).configDump();
            Set<String> hosts = new TreeSet<>();
            dump.path("services")
                    .forEach(each -> hosts.add(each.path("hostname").asText()));
            Set<String> policies = new TreeSet<>();
            dump.path("policies").forEach(each -> policies.add(each.path("name").asText()));
            String marker = MARKER + generation;
            Map<String, String> variables = environment(node);
            boolean told = !variables.getOrDefault("XDS_ADDRESS", "").isEmpty();
            // On demand nobody asks for the marker's service; policies are told all the same.
            boolean known = hosts.contains(marker) || "true".equals(variables.get("XDS_ON_DEMAND"));
            assertTrue(!told || known && policies.contains(marker), () -> hosts + " " + policies);
            Set<String> served = new TreeSet<>();
            for (JsonNode pod : dump.path("workloadState")) {
                assertEquals("Up", pod.path("state").asText(), pod.toString());
                served.add(pod.at("/info/name").asText());
            }
            Set<String> wanted = new TreeSet<>(handedOver);
            wanted.removeIf(pod -> !ns(pod).node().equals(Optional.of(node)));
            if (plan.dedicated.contains(node)) {
                wanted.add(node);
            }
            assertEquals(wanted, served);
        });
    }

    /** A pod as the control plane tells of it: captured, in {@link #NAMESPACE}, under a service account of its own name. */
    public Records.WorkloadSpec captured(String pod) {
        return workload(pod).hbone();
    }

    /** A pod that is not captured, or a host. */
    public Records.WorkloadSpec workload(String name) {
        Netns ns = ns(name);
        String[] addresses = ns.addresses().stream().map(MeshYaml::literal).toArray(String[]::new);
        return Records.pod(name, addresses)
                .namespace(NAMESPACE)
                .cluster("Kubernetes")
                .node(ns.node().orElse(""));
    }

    /** The pod of a node's agent. */
    public Records.WorkloadSpec ownPod(String node) {
        return Records.pod(agentPod(node), ip(node))
                .namespace("istio-system")
                .serviceAccount("ztunnel")
                .cluster("Kubernetes")
                .node(node)
                .hbone();
    }

    /** A service of {@link #NAMESPACE}. */
    public static Records.ServiceSpec service(String name) {
        return Records.service(name).namespace(NAMESPACE).canonical();
    }

    /** The key that a workload names a service of {@link #NAMESPACE} by. */
    public static String serviceKey(String name) {
        return NAMESPACE + "/" + name + "." + NAMESPACE + ".svc";
    }

    /** Has the mesh be all captured pods and these records, which win; waits until every agent knows it. */
    public void mesh(Record... records) {
        publish(records);
        agents.keySet().forEach(this::awaitKnown);
    }

    /** As {@link #mesh}, without waiting. */
    public void publish(Record... records) {
        generation++;
        Map<String, MeshResource> wanted = new LinkedHashMap<>();
        List<Record> every = new ArrayList<>();
        Stream.concat(plan.pods.stream(), plan.dedicated.stream())
                .forEach(pod -> every.add(captured(pod).build()));
        every.addAll(Arrays.asList(records));
        every.add(Records.service(MARKER).hostname(MARKER + generation).build());
        every.add(new Policy(
                Records.key("marker/" + MARKER + generation),
                Policy.Scope.NAMESPACE,
                Policy.Action.DENY,
                List.of(),
                true));
        for (Record each : every) {
            MeshResource resource = resource(each);
            wanted.put(MeshResources.encode(resource).getName(), resource);
        }
        discovery().pause();
        forgetAllBut(wanted.keySet());
        discovery().put(wanted.values());
        discovery().resume();
        wanted.forEach((name, resource) -> known.computeIfAbsent(
                        MeshResources.typeUrl(resource), none -> new LinkedHashSet<>())
                .add(name));
    }

    private void forgetAllBut(Set<String> wanted) {
        known.forEach((type, names) -> {
            Set<String> gone = new LinkedHashSet<>(names);
            gone.removeAll(wanted);
            discovery().remove(type, gone.toArray(String[]::new));
            names.removeAll(gone);
        });
    }

    private static MeshResource resource(Record record) {
        return switch (record) {
            case Workload workload -> new MeshResource.OfWorkload(workload);
            case Service service -> new MeshResource.OfService(service);
            case Policy policy -> new MeshResource.OfPolicy(policy);
            default -> throw new IllegalArgumentException(record.toString());
        };
    }

    /** What the agents have counted so far, to be compared with later. */
    public Observation observe() {
        return new Observation(this);
    }

    /** Demands that no agent reports trouble of its own. */
    public void expectNoTrouble() {
        for (AgentProcess agent : ours) {
            assertEquals(List.of(), agent.trouble(), "what an agent says of itself: " + agent.node());
        }
    }

    /** Prints the last of what the agents said, for whoever reads why a test failed. */
    public void printLogs() {
        for (AgentProcess agent : Stream.concat(ours.stream(), agents.values().stream())
                .distinct()
                .toList()) {
            String[] lines = agent.toString().split("\n", -1);
            System.out.println(
                    String.join("\n", Arrays.copyOfRange(lines, Math.max(0, lines.length - 100), lines.length)));
        }
    }

    /** Asks the agents to end, waits until they have, and removes everything. */
    @Override
    public void close() {
        try (net;
                plane) {
            List<AgentProcess> running = agents();
            running.forEach(agent -> agent.signal("TERM"));
            agents.clear();
            running.forEach(agent -> agent.awaitEnd(SOON));
        } finally {
            nodeAgents.values().forEach(ZdsServer::close);
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
