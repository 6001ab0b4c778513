/**
 * The whole agent together with a real Envoy: as waypoint, as peer in both directions, and as gateway to another network.
 *
 * <p>Must not know the agent's insides. Start at {@link io.culvert.systemtests.interop.WaypointInteropIT}.
 */
@NullMarked
package io.culvert.systemtests.interop;

import org.jspecify.annotations.NullMarked;
