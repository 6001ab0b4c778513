package io.culvert.agent.mesh;

import io.culvert.protocol.workload.Workload;
import io.culvert.protocol.workload.WorkloadUid;
import java.util.AbstractList;
import java.util.List;
import java.util.RandomAccess;
import org.jspecify.annotations.Nullable;

/** The endpoints of a service, ordered by workload uid. */
public final class Endpoints extends AbstractList<Endpoint> implements RandomAccess {
    static final Endpoints NONE = new Endpoints(List.of());

    private final Endpoint[] endpoints;
    private final boolean uniform;

    Endpoints(List<Endpoint> endpoints) {
        this.endpoints = endpoints.toArray(new Endpoint[0]);
        this.uniform = uniform(this.endpoints);
    }

    /** Whether all have an address and the same weight, so that any of them may be drawn without looking at the rest. */
    public boolean uniform() {
        return uniform;
    }

    /** The endpoint that a workload is; null when it is none of them. */
    @Nullable
    Endpoint of(WorkloadUid uid) {
        int low = 0;
        int high = endpoints.length - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            int order = endpoints[middle].workload().uid().compareTo(uid);
            if (order == 0) {
                return endpoints[middle];
            }
            if (order < 0) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        return null;
    }

    @Override
    public Endpoint get(int index) {
        return endpoints[index];
    }

    @Override
    public int size() {
        return endpoints.length;
    }

    private static boolean uniform(Endpoint[] endpoints) {
        for (Endpoint endpoint : endpoints) {
            Workload workload = endpoint.workload();
            if (workload.addresses().isEmpty()
                    || workload.capacity() == 0
                    || workload.capacity() != endpoints[0].workload().capacity()) {
                return false;
            }
        }
        return true;
    }
}
