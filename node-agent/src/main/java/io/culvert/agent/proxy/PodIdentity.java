package io.culvert.agent.proxy;

import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.protocol.workload.Workload;
import org.jspecify.annotations.Nullable;

/**
 * Which workload a pod is, as whoever hands pods over says it.
 *
 * @param uid the pod's uid
 * @param name pod name
 * @param namespace namespace
 * @param serviceAccount service account
 */
public record PodIdentity(String uid, String name, String namespace, String serviceAccount) {
    /** What the mesh knows of it, null while it knows nothing. */
    public @Nullable Workload in(MeshSnapshot snapshot) {
        return snapshot.localWorkload(name, namespace, serviceAccount);
    }

    /** Says that the mesh knows nothing of it. */
    String unknown() {
        return "nothing is known of " + name;
    }
}
