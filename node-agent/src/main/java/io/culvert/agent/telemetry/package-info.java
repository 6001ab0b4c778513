/**
 * What the agent tells of its connections and of itself: counters, one record for each connection, why it closed.
 *
 * <p>Must not know how traffic is routed or carried, nor how metrics are served. Start at {@link
 * io.culvert.agent.telemetry.Telemetry}.
 */
@NullMarked
package io.culvert.agent.telemetry;

import org.jspecify.annotations.NullMarked;
