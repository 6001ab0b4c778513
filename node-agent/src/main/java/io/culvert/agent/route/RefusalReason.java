package io.culvert.agent.route;

/** Why a connection goes nowhere. */
public enum RefusalReason {
    /** A connection to it would come back to the agent. */
    OWN_PORT("the port belongs to the agent itself"),
    /** Nothing listens on port 0. */
    PORT_ZERO("port 0 cannot be connected to"),
    /** The agent does not know the pod that the connection comes from or goes to. */
    LOCAL_WORKLOAD_UNKNOWN("the mesh has not told this node about the pod yet"),
    /** The service exists, the port does not. */
    NO_SUCH_PORT("the service has no such port"),
    /** The service exists, but nothing behind it can be used. */
    NO_HEALTHY_ENDPOINT("the service has no healthy endpoint for this port"),
    /** Traffic must pass a waypoint, and it cannot be found; it is never bypassed. */
    WAYPOINT_UNRESOLVED("the waypoint that the traffic must pass cannot be found or has no healthy endpoint"),
    /** The chosen workload cannot be addressed. */
    NO_ADDRESS("the destination workload has neither a usable address nor a hostname"),
    /** The destination is in another network that no gateway leads to. */
    NO_GATEWAY("the destination is in another network and names no gateway to it"),
    /** The gateway to another network cannot be found. */
    GATEWAY_UNRESOLVED("the gateway to the destination's network cannot be found or has no healthy endpoint"),
    /** Another network is only reached by a service's name. */
    SERVICE_REQUIRED("a workload in another network is only reached through a service with a hostname"),
    /** No tunnel is opened to a peer that could prove nothing acceptable. */
    NO_IDENTITY("nothing is known that the destination could prove to be, so no tunnel to it is opened"),
    /** The authority is not of this workload. */
    FOREIGN_AUTHORITY("the requested address is not of this workload, nor of something it is the waypoint of"),
    /** No service of that hostname is visible here. */
    UNKNOWN_HOSTNAME("no service with the requested hostname is visible to this workload"),
    /** The PROXY header cannot name the requested service's address. */
    NO_VIRTUAL_ADDRESS("the requested service has no virtual address for the PROXY header to name");

    private final String sentence;

    RefusalReason(String sentence) {
        this.sentence = sentence;
    }

    /** What a user can act on. */
    public String sentence() {
        return sentence;
    }
}
