package io.culvert.agent.proxy;

import io.culvert.agent.base.LoopGroup;
import io.culvert.shim.SocketFactory;

/**
 * What the proxies of all pods run on.
 *
 * @param loops the data path's loops
 * @param sockets opens sockets in the pods' namespaces
 */
public record ProxyHost(LoopGroup loops, SocketFactory sockets) {}
