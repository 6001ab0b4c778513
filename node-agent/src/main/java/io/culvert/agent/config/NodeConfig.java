package io.culvert.agent.config;

import io.culvert.protocol.identity.TrustDomain;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Who this agent is.
 *
 * @param role which half of the agent it is
 * @param name the node that it serves
 * @param clusterId the cluster's id
 * @param network the network's id, empty for the default network
 * @param trustDomain the trust domain of workloads that name none
 * @param podsSocket where the node's agent that sees pods hands them over
 * @param ownPod the pod that this agent runs in, null when that is not known
 * @param dedicatedTo the one pod that this agent serves, in the network namespace that both are in; null when it serves others
 */
public record NodeConfig(
        Role role,
        String name,
        String clusterId,
        String network,
        TrustDomain trustDomain,
        Path podsSocket,
        @Nullable PodNames ownPod,
        @Nullable PodNames dedicatedTo) {
    /**
     * A pod's name, namespace and service account.
     *
     * @param name name
     * @param namespace namespace
     * @param serviceAccount service account
     */
    public record PodNames(String name, String namespace, String serviceAccount) {
        /** Null unless all is known. */
        static @Nullable PodNames of(String name, String namespace, String serviceAccount) {
            return name.isEmpty() || namespace.isEmpty() || serviceAccount.isEmpty()
                    ? null
                    : new PodNames(name, namespace, serviceAccount);
        }
    }

    /** Of an agent that does not know its own pod. */
    public NodeConfig(
            Role role, String name, String clusterId, String network, TrustDomain trustDomain, Path podsSocket) {
        this(role, name, clusterId, network, trustDomain, podsSocket, null, null);
    }
}
