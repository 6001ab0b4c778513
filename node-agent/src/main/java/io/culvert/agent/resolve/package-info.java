/**
 * Addresses of endpoints and waypoints that the mesh knows by hostname only, found when a connection needs one.
 *
 * <p>Must not know routing, pods or connections. Start at {@link io.culvert.agent.resolve.HostnameResolver}.
 */
@NullMarked
package io.culvert.agent.resolve;

import org.jspecify.annotations.NullMarked;
