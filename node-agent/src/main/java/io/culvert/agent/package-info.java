/**
 * The agent's process: its command line, and the one place where its parts are put together.
 *
 * <p>Start at {@link io.culvert.agent.CulvertAgent}, then {@link io.culvert.agent.Wiring}.
 */
@NullMarked
package io.culvert.agent;

import org.jspecify.annotations.NullMarked;
