package io.culvert.systemtests.lab;

import io.culvert.testkit.Netns;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The text of a {@code mesh.yaml}, entry by entry; each change makes another one, so that a test edits by deriving.
 *
 * <p>Pods are in the namespace {@code demo} unless they say otherwise, under a service account of their own name.
 *
 * @param entries in order
 */
public record MeshYaml(List<Entry> entries) {
    /** The namespace of everything that names none. */
    public static final String NAMESPACE = "demo";

    private static final List<String> SECTIONS = List.of("workloads", "services", "policies", "peerAuthentication");

    /**
     * One entry of a section.
     *
     * @param section the list that it stands in
     * @param name what the test calls it
     * @param fields its fields, as they are written in a flow mapping
     */
    public record Entry(String section, String name, String fields) {}

    /** Copies. */
    public MeshYaml {
        entries = List.copyOf(entries);
    }

    /** Nothing yet. */
    public static MeshYaml empty() {
        return new MeshYaml(List.of());
    }

    /** The SPIFFE id of a pod of {@link #NAMESPACE}. */
    public static String idOf(String pod) {
        return "spiffe://cluster.local/ns/" + NAMESPACE + "/sa/" + pod;
    }

    /** An address without needless zeros, as the agent prints it. */
    public static String literal(InetAddress address) {
        String text = address.getHostAddress();
        return text.contains(":") ? text.replaceFirst("(^|:)0(:0)+(:|$)", "::") : text;
    }

    /** Adds or replaces a captured pod of its node. */
    public MeshYaml pod(Netns pod, String... more) {
        String node = pod.node().orElseThrow(() -> new IllegalArgumentException(pod.name() + " is no pod"));
        return workload(pod, Stream.concat(Stream.of("node: " + node, "netns: " + pod.path()), Stream.of(more)));
    }

    /** Adds or replaces a workload that no agent serves. */
    public MeshYaml uncaptured(Netns host, String... more) {
        return workload(host, Stream.of(more));
    }

    private MeshYaml workload(Netns ns, Stream<String> more) {
        String addresses =
                ns.addresses().stream().map(a -> "\"" + literal(a) + "\"").collect(Collectors.joining(", "));
        Stream<String> fields =
                Stream.concat(Stream.of("addresses: [" + addresses + "]", "serviceAccount: " + ns.name()), more);
        return entry("workloads", ns.name(), fields.collect(Collectors.joining(", ")));
    }

    /** Adds or replaces a service. */
    public MeshYaml service(String name, String fields) {
        return entry("services", name, fields);
    }

    /** Adds or replaces a policy. */
    public MeshYaml policy(String name, String fields) {
        return entry("policies", name, fields);
    }

    /** Adds or replaces a peer authentication. */
    public MeshYaml peerAuthentication(String name, String fields) {
        return entry("peerAuthentication", name, fields);
    }

    private MeshYaml entry(String section, String name, String fields) {
        List<Entry> changed = new ArrayList<>(without(section, name).entries);
        changed.add(new Entry(section, name, fields));
        return new MeshYaml(changed);
    }

    /** Takes an entry out. */
    public MeshYaml without(String section, String name) {
        return new MeshYaml(entries.stream()
                .filter(e -> !(e.section.equals(section) && e.name.equals(name)))
                .toList());
    }

    /** Takes a workload out. */
    public MeshYaml withoutPod(String name) {
        return without("workloads", name);
    }

    /** The names of the pods that this node's agent serves. */
    public List<String> podsOf(String node) {
        return entries.stream()
                .filter(e -> e.section.equals("workloads") && e.fields.contains("node: " + node + ","))
                .map(Entry::name)
                .toList();
    }

    /** The file. */
    public String text() {
        StringBuilder text = new StringBuilder("mesh: {trustDomain: cluster.local}\n");
        Map<String, List<Entry>> bySection = entries.stream().collect(Collectors.groupingBy(Entry::section));
        for (String section : SECTIONS) {
            text.append(section).append(bySection.containsKey(section) ? ":\n" : ": []\n");
            for (Entry entry : bySection.getOrDefault(section, List.of())) {
                String namespace = entry.fields.contains("namespace: ") ? "" : ", namespace: " + NAMESPACE;
                text.append("  - {name: ").append(entry.name).append(namespace);
                text.append(", ").append(entry.fields).append("}\n");
            }
        }
        return text.toString();
    }
}
