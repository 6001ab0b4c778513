package io.culvert.agent.mesh;

import org.jspecify.annotations.Nullable;

/** Workload entries by uid; the entry is its own node. Looking up allocates nothing. */
final class UidIndex extends Index<WorkloadIndexes.Entry> {
    UidIndex() {}

    UidIndex(UidIndex source) {
        super(source);
    }

    WorkloadIndexes.@Nullable Entry find(String uid) {
        int slot = slot(mix(uid.hashCode()));
        WorkloadIndexes.Entry entry = at(slot);
        while (entry != null && !entry.uid().equals(uid)) {
            slot = next(slot);
            entry = at(slot);
        }
        return entry;
    }

    @Override
    int hash(WorkloadIndexes.Entry entry) {
        return mix(entry.uid().hashCode());
    }

    @Override
    boolean sameKey(WorkloadIndexes.Entry one, WorkloadIndexes.Entry other) {
        return one.uid().equals(other.uid());
    }
}
