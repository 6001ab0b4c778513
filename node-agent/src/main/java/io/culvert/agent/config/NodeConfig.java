package io.culvert.agent.config;

import io.culvert.protocol.identity.TrustDomain;
import java.nio.file.Path;

/**
 * Who this agent is.
 *
 * @param role which half of the agent it is
 * @param name the node that it serves
 * @param clusterId the cluster's id
 * @param network the network's id, empty for the default network
 * @param trustDomain the trust domain of workloads that name none
 * @param podsSocket where the node's agent that sees pods hands them over
 */
public record NodeConfig(
        Role role, String name, String clusterId, String network, TrustDomain trustDomain, Path podsSocket) {}
