package io.culvert.protocol.policy;

import io.culvert.protocol.identity.PeerIdentity;
import io.culvert.protocol.net.IpAddress;

/**
 * What is known of a connection when it is judged.
 *
 * @param identity who the peer proved to be
 * @param source the peer's address
 * @param destination the address it wants
 * @param destinationPort the port it wants
 */
public record PeerFacts(PeerIdentity identity, IpAddress source, IpAddress destination, int destinationPort) {}
