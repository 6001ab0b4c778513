/**
 * The log: entries are handed over on any thread and formatted and written by one thread of their own.
 *
 * <p>Must not know what is logged. Start at {@link io.culvert.agent.telemetry.log.Logging}.
 */
@NullMarked
package io.culvert.agent.telemetry.log;

import org.jspecify.annotations.NullMarked;
