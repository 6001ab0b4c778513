/**
 * Every tunable of the agent in one table, and the typed configuration that is read from flags, environment and file.
 *
 * <p>Must not know what the settings are used for. Start at {@link io.culvert.agent.config.Knob}.
 */
@NullMarked
package io.culvert.agent.config;

import org.jspecify.annotations.NullMarked;
