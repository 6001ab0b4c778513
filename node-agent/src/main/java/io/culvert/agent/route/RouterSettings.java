package io.culvert.agent.route;

/**
 * What a router knows of the agent it works in.
 *
 * @param network the network of this agent, empty for the default one
 * @param outboundPort where captured connections of the pod arrive
 * @param inboundPlaintextPort where captured plaintext for the pod arrives
 * @param hbonePort where tunnels arrive, here and at every other workload
 * @param socksPort where SOCKS clients arrive; 0 where they do not, so that the port is the applications'
 * @param localhostApplicationTunnel whether an application that wants PROXY headers is reached over loopback
 */
public record RouterSettings(
        String network,
        int outboundPort,
        int inboundPlaintextPort,
        int hbonePort,
        int socksPort,
        boolean localhostApplicationTunnel) {
    /** The field's usual ports, in the default network. */
    public static final RouterSettings DEFAULTS = new RouterSettings("", 15_001, 15_006, 15_008, 15_080, true);

    /** The same in another network. */
    public RouterSettings withNetwork(String name) {
        return new RouterSettings(
                name, outboundPort, inboundPlaintextPort, hbonePort, socksPort, localhostApplicationTunnel);
    }

    /** Whether a port of a pod belongs to the agent, so that a connection to it would come back to the agent. */
    public boolean isOwnPort(int port) {
        return port == outboundPort || port == inboundPlaintextPort || port == hbonePort || port == socksPort;
    }
}
