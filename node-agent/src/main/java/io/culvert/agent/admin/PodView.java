package io.culvert.agent.admin;

import java.util.List;

/**
 * One pod of this node.
 *
 * @param uid the pod's uid
 * @param name pod name
 * @param namespace namespace
 * @param serviceAccount service account
 * @param problem why it is not served yet, empty when it is
 * @param connections open connections
 */
public record PodView(
        String uid,
        String name,
        String namespace,
        String serviceAccount,
        String problem,
        List<ConnectionView> connections) {
    public PodView {
        connections = List.copyOf(connections);
    }
}
