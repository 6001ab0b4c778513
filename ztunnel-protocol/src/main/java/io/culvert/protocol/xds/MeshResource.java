package io.culvert.protocol.xds;

import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.workload.Service;
import io.culvert.protocol.workload.Workload;

/** Anything that a control plane tells of. */
public sealed interface MeshResource {
    /** The name under which it is updated and removed. */
    String resourceName();

    /** A workload, named by its uid. */
    record OfWorkload(Workload workload) implements MeshResource {
        @Override
        public String resourceName() {
            return workload.uid().value();
        }
    }

    /** A service, named {@code namespace/hostname}. */
    record OfService(Service service) implements MeshResource {
        @Override
        public String resourceName() {
            return service.key().toString();
        }
    }

    /** A policy, named {@code namespace/name}. */
    record OfPolicy(Policy policy) implements MeshResource {
        @Override
        public String resourceName() {
            return policy.key().toString();
        }
    }
}
