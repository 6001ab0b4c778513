/**
 * HBONE tunnels: mTLS sockets that carry CONNECT streams, opened, pooled and closed.
 *
 * <p>Must not know routing, policy or pods. Start at {@link io.culvert.agent.hbone.Tunnel}.
 */
@NullMarked
package io.culvert.agent.hbone;

import org.jspecify.annotations.NullMarked;
