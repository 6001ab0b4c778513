/**
 * The {@code culvert} command: what a person asks of an agent from a shell.
 *
 * <p>Must not know the agent's classes, only what its admin port says. Start at {@link io.culvert.cli.Culvert}.
 */
@NullMarked
package io.culvert.cli;

import org.jspecify.annotations.NullMarked;
