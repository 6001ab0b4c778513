package io.culvert.systemtests.lab;

import java.util.List;

/** The agent processes of a lab, one for each node. */
public interface Agents {
    /** The agent of a node; fails where none runs. */
    AgentProcess agent(String node);

    /** The agents that run. */
    List<AgentProcess> agents();
}
