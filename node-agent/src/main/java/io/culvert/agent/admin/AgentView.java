package io.culvert.agent.admin;

import io.culvert.agent.config.Role;
import java.util.Map;

/**
 * The agent itself.
 *
 * @param role which half of the agent it is
 * @param loops how many event loops carry traffic
 * @param kernelTls whether the kernel makes and reads tunnels' records, or why it does not
 * @param versions of the libraries that matter, by name
 */
public record AgentView(Role role, int loops, String kernelTls, Map<String, String> versions) {
    public AgentView {
        versions = Map.copyOf(versions);
    }
}
