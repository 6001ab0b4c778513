package io.culvert.control.file;

import io.culvert.control.file.yaml.Field;
import io.culvert.control.file.yaml.Fields;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which workloads a policy is for: those of certain labels, and those listed by name.
 *
 * @param labels null where there is no selector
 * @param names references, possibly none
 */
record Selection(@Nullable Map<String, String> labels, List<Field> names) {
    /** Reads {@code selector} and {@code workloads}; null where neither is there. */
    static @Nullable Selection read(Fields policy) {
        Map<String, String> labels = null;
        Field selector = policy.field("selector");
        if (selector != null) {
            Fields fields = selector.fields();
            labels = Map.of();
            if (fields != null) {
                fields.required("matchLabels");
                Map<String, String> read = Labels.selector(fields, "matchLabels");
                labels = read == null ? labels : read;
                fields.finish();
            }
        }
        Field workloads = policy.field("workloads");
        if (selector == null && workloads == null) {
            return null;
        }
        return new Selection(labels, workloads == null ? List.of() : workloads.listOfSome());
    }

    /** The workloads; labels are looked for in all namespaces if the policy is in the root namespace. */
    List<WorkloadDraft> in(MeshIndex index, String namespace, String rootNamespace) {
        List<WorkloadDraft> selected = new ArrayList<>();
        for (Field name : names) {
            WorkloadDraft draft = index.workload(name, namespace);
            if (draft != null) {
                selected.add(draft);
            }
        }
        Map<String, String> wanted = labels;
        if (wanted != null && !wanted.isEmpty()) {
            List<WorkloadDraft> candidates = namespace.equals(rootNamespace) ? index.workloads() : index.in(namespace);
            candidates.stream()
                    .filter(draft -> draft.carries(wanted) && !selected.contains(draft))
                    .toList()
                    .forEach(selected::add);
        }
        return selected;
    }
}
