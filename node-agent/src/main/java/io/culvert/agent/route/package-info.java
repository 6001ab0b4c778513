/**
 * Where a connection goes, decided from one snapshot of the mesh: a pure function of its arguments and of the injected
 * randomness.
 *
 * <p>Must not know sockets, threads, clocks, or how a snapshot is published. Start at {@link
 * io.culvert.agent.route.Router}.
 */
@NullMarked
package io.culvert.agent.route;

import org.jspecify.annotations.NullMarked;
