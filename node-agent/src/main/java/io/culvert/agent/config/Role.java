package io.culvert.agent.config;

/** Which half of the agent a process is. */
public enum Role {
    /** Enrols pods. */
    NODE,
    /** Carries their traffic. */
    PROXY,
    /** Both. */
    ALL;

    public boolean enrols() {
        return this != PROXY;
    }

    public boolean carriesTraffic() {
        return this != NODE;
    }
}
