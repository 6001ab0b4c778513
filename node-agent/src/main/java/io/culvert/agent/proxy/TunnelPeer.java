package io.culvert.agent.proxy;

import io.culvert.protocol.identity.SpiffeId;
import io.culvert.protocol.net.IpAddress;

/**
 * Whose tunnel it is: one identity at one address, since the replicas of a service account may be many.
 *
 * @param id proved by its certificate
 * @param address where it comes from
 */
record TunnelPeer(SpiffeId id, IpAddress address) {}
