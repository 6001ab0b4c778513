package io.culvert.protocol.zds;

import io.culvert.protocol.identity.SpiffeId;

/**
 * Which workload a pod is.
 *
 * <p>Bounds: each part of the characters that a SPIFFE id allows; the namespace at most 63, the others at most 253 of
 * them, as Kubernetes has it, so that the whole always fits one packet.
 *
 * @param name the pod's name
 * @param namespace its namespace
 * @param serviceAccount its service account
 */
public record WorkloadInfo(String name, String namespace, String serviceAccount) {
    private static final int NAME_LENGTH_MAX = 253;
    private static final int NAMESPACE_LENGTH_MAX = 63;

    public WorkloadInfo {
        require("name", name, NAME_LENGTH_MAX);
        require("namespace", namespace, NAMESPACE_LENGTH_MAX);
        require("service account", serviceAccount, NAME_LENGTH_MAX);
    }

    private static void require(String what, String text, int max) {
        if (text.length() > max || !SpiffeId.isSegment(text)) {
            throw new IllegalArgumentException("the " + what + " of a pod has 1.." + max + " letters, digits, . - _");
        }
    }
}
