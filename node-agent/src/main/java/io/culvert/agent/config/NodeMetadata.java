package io.culvert.agent.config;

import java.util.Map;

/**
 * What a control plane is told of the agent.
 *
 * @param podName the agent's own pod, empty when not known
 * @param podNamespace its namespace, empty when not known
 * @param instanceIp its address, empty when not known
 * @param texts further entries
 * @param json further entries, whose values are JSON
 */
public record NodeMetadata(
        String podName, String podNamespace, String instanceIp, Map<String, String> texts, Map<String, String> json) {
    public NodeMetadata {
        texts = Map.copyOf(texts);
        json = Map.copyOf(json);
    }
}
