package io.culvert.control.file;

import io.culvert.control.file.policy.StrictMtls;
import io.culvert.control.file.yaml.Field;
import io.culvert.control.file.yaml.Fields;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.workload.NamespacedName;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@code peerAuthentication}, finds the one that counts for each workload (its own, its namespace's, the mesh's),
 * and turns the strict ones into policies that those workloads name.
 */
final class PeerAuthenticationSection {
    /** What a peer must prove. */
    enum Mode {
        /** As the wider scope says. */
        UNSET,
        PERMISSIVE,
        STRICT
    }

    private static final Map<String, Mode> MODES =
            Map.of("UNSET", Mode.UNSET, "PERMISSIVE", Mode.PERMISSIVE, "STRICT", Mode.STRICT);

    private final MeshFile.Settings settings;
    private final MeshIndex index;
    private final Map<NamespacedName, Fields> keys = new HashMap<>();
    private final Map<String, Fields> namespaceWide = new HashMap<>();
    private final Map<String, Mode> namespaceModes = new HashMap<>();
    private final Map<WorkloadDraft, PeerAuthentication> own = new LinkedHashMap<>();

    PeerAuthenticationSection(MeshFile.Settings settings, MeshIndex index) {
        this.settings = settings;
        this.index = index;
    }

    /** One entry that selects workloads. */
    private record PeerAuthentication(NamespacedName key, Mode mode, Map<Integer, Mode> ports, Fields fields) {}

    /** The policies that stand for the section; the workloads know theirs. */
    List<Policy> read(Fields root) {
        for (Field entry : root.list("peerAuthentication")) {
            Fields fields = entry.fields();
            if (fields != null) {
                entry(fields);
                fields.finish();
            }
        }
        Map<NamespacedName, Policy> policies = new LinkedHashMap<>();
        for (WorkloadDraft draft : index.workloads()) {
            Policy policy = policyOf(draft);
            if (policy != null) {
                policies.put(policy.key(), policy);
                draft.judgeBy(policy.key());
            }
        }
        return new ArrayList<>(policies.values());
    }

    private void entry(Fields p) {
        NamespacedName key = PolicySection.key(p, settings.rootNamespace());
        Fields same = keys.putIfAbsent(key, p);
        if (same != null) {
            p.blame("name")
                    .wrong("there is a " + key + " already, on " + same.self().where(), "rename one of them");
        }
        Mode mode = mode(p);
        Map<Integer, Mode> ports = ports(p);
        Selection selection = Selection.read(p);
        if (selection != null) {
            PeerAuthentication entry = new PeerAuthentication(key, mode, ports, p);
            selection.in(index, key.namespace(), settings.rootNamespace()).forEach(draft -> select(draft, entry));
            return;
        }
        if (!ports.isEmpty()) {
            p.blame("portLevelMtls").wrong("ports are those of certain workloads", "add 'selector' or 'workloads'");
        }
        Fields wide = namespaceWide.putIfAbsent(key.namespace(), p);
        if (wide != null && same == null) {
            p.self()
                    .wrong(
                            "the one on " + wide.self().where() + " is for all of " + key.namespace() + " already",
                            "remove one of them, or add a selector");
        }
        namespaceModes.putIfAbsent(key.namespace(), mode);
    }

    private void select(WorkloadDraft draft, PeerAuthentication entry) {
        PeerAuthentication first = own.putIfAbsent(draft, entry);
        if (first != null && !first.key().equals(entry.key())) {
            entry.fields()
                    .self()
                    .wrong(
                            "the workload " + draft.key() + " is selected by " + first.key() + " already, on "
                                    + first.fields().self().where(),
                            "let only one of them select it");
        }
    }

    private static Mode mode(Fields owner) {
        Fields mtls = owner.section("mtls");
        if (mtls == null) {
            return Mode.UNSET;
        }
        mtls.required("mode");
        Mode mode = mtls.choice("mode", MODES, Mode.UNSET);
        mtls.finish();
        return mode;
    }

    private static Map<Integer, Mode> ports(Fields owner) {
        Map<Integer, Mode> ports = new TreeMap<>();
        Fields section = owner.section("portLevelMtls");
        for (Map.Entry<String, Field> entry : section == null
                ? Map.<String, Field>of().entrySet()
                : section.all().entrySet()) {
            Fields mtls = entry.getValue().fields();
            int port = entry.getKey().matches("[0-9]{1,5}") ? Integer.parseInt(entry.getKey()) : 0;
            if (port < 1 || port > 65_535) {
                entry.getValue().wrong("the key is not a port", "use a number of 1..65535");
            }
            if (mtls != null) {
                mtls.required("mode");
                ports.put(port, mtls.choice("mode", MODES, Mode.UNSET));
                mtls.finish();
            }
        }
        return ports;
    }

    private @Nullable Policy policyOf(WorkloadDraft draft) {
        Mode wide = orElse(
                namespaceModes.get(draft.described().namespace()),
                orElse(namespaceModes.get(settings.rootNamespace()), Mode.PERMISSIVE));
        PeerAuthentication entry = own.get(draft);
        Mode mode = entry == null ? wide : orElse(entry.mode(), wide);
        List<Integer> exceptions = entry == null ? List.of() : exceptions(entry, mode);
        if (entry == null || exceptions.isEmpty()) {
            return mode == Mode.STRICT ? StrictMtls.everywhere(settings.rootNamespace()) : null;
        }
        return mode == Mode.STRICT
                ? StrictMtls.exceptOn(exceptions, entry.key(), entry.mode() == Mode.UNSET)
                : StrictMtls.onlyOn(exceptions, entry.key());
    }

    private static List<Integer> exceptions(PeerAuthentication entry, Mode mode) {
        return entry.ports().entrySet().stream()
                .filter(port -> port.getValue() != Mode.UNSET && port.getValue() != mode)
                .map(Map.Entry::getKey)
                .toList();
    }

    private static Mode orElse(@Nullable Mode mode, Mode wider) {
        return mode == null || mode == Mode.UNSET ? wider : mode;
    }
}
