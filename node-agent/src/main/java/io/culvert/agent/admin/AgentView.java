package io.culvert.agent.admin;

import io.culvert.agent.config.Role;
import java.util.Map;

/**
 * The agent itself.
 *
 * @param role which half of the agent it is
 * @param loops how many event loops carry traffic
 * @param versions of the libraries that matter, by name
 */
public record AgentView(Role role, int loops, Map<String, String> versions) {
    public AgentView {
        versions = Map.copyOf(versions);
    }
}
