/**
 * Agents as an ambient mesh runs them: told of the mesh by a control plane, certified by its authority, handed their pods by a
 * node agent, and set by environment variables alone.
 *
 * <p>Must not know the agent's own configuration. Start at {@link io.culvert.systemtests.ambient.AmbientLab}.
 */
@NullMarked
package io.culvert.systemtests.ambient;

import org.jspecify.annotations.NullMarked;
