package io.culvert.control.file;

import io.culvert.control.file.yaml.Field;
import io.culvert.control.file.yaml.Nearest;
import io.culvert.control.file.yaml.Problems;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.protocol.workload.NetworkAddress;
import io.culvert.protocol.workload.Service;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Who in the file is meant by a name, an address or a set of labels. */
final class MeshIndex {
    private final List<WorkloadDraft> workloads;
    private final Map<String, WorkloadDraft> byUid = new HashMap<>();
    private final Map<NamespacedName, List<WorkloadDraft>> byName = new HashMap<>();
    private final Map<String, List<WorkloadDraft>> byNamespace = new HashMap<>();
    private final Set<NamespacedName> hostnames = new HashSet<>();
    private final Set<NetworkAddress> addresses = new HashSet<>();
    private final List<Service.NetworkCidr> ranges = new ArrayList<>();

    MeshIndex(List<WorkloadDraft> workloads) {
        this.workloads = workloads;
        for (WorkloadDraft draft : workloads) {
            var workload = draft.described();
            byUid.put(workload.uid().value(), draft);
            byName.computeIfAbsent(draft.key(), k -> new ArrayList<>()).add(draft);
            byNamespace
                    .computeIfAbsent(workload.namespace(), k -> new ArrayList<>())
                    .add(draft);
            hostnames.add(new NamespacedName(workload.namespace(), workload.hostname()));
            workload.addresses().forEach(ip -> addresses.add(new NetworkAddress(workload.network(), ip)));
        }
    }

    void add(Service service) {
        hostnames.add(service.key());
        addresses.addAll(service.vips());
        ranges.addAll(service.cidrVips());
    }

    boolean hasHostname(NamespacedName hostname) {
        return hostnames.contains(hostname);
    }

    boolean hasAddress(NetworkAddress address) {
        return addresses.contains(address)
                || ranges.stream()
                        .anyMatch(r -> r.network().equals(address.network())
                                && r.cidr().contains(address.ip()));
    }

    List<WorkloadDraft> workloads() {
        return workloads;
    }

    List<WorkloadDraft> in(String namespace) {
        return byNamespace.getOrDefault(namespace, List.of());
    }

    /**
     * The workload that a text names: its uid, {@code namespace/name}, or {@code name} in a namespace; null, and
     * reported, when there is not exactly one.
     */
    @Nullable
    WorkloadDraft workload(Field reference, String namespace) {
        String text = reference.text();
        if (text == null) {
            return null;
        }
        WorkloadDraft exact = byUid.get(text);
        if (exact != null) {
            return exact;
        }
        int slash = text.indexOf('/');
        NamespacedName name = slash < 0
                ? new NamespacedName(namespace, text)
                : new NamespacedName(text.substring(0, slash), text.substring(slash + 1));
        List<WorkloadDraft> named = byName.getOrDefault(name, List.of());
        if (named.size() == 1) {
            return named.getFirst();
        }
        if (named.isEmpty()) {
            reference.wrong("no workload is called " + Problems.shown(name.toString()), suggestion(name));
        } else {
            reference.wrong(
                    named.size() + " workloads are called " + Problems.shown(name.toString()), "name it by its uid");
        }
        return null;
    }

    private String suggestion(NamespacedName name) {
        List<String> names =
                in(name.namespace()).stream().map(d -> d.described().name()).toList();
        String nearest = Nearest.of(name.name(), names);
        return nearest == null
                ? "describe it under 'workloads', or correct the name"
                : "did you mean '" + nearest + "'?";
    }
}
