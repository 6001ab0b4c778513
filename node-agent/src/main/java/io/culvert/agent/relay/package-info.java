/**
 * Moves bytes between an application's socket and its peer, with half-close, reset and backpressure kept as a direct
 * connection would keep them.
 *
 * <p>Must not know tunnels, routing or policy. Start at {@link io.culvert.agent.relay.Relay}.
 */
@NullMarked
package io.culvert.agent.relay;

import org.jspecify.annotations.NullMarked;
