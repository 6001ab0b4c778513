/**
 * The few things every part of the agent stands on: event loops with their buffers and pipes, time, invariants, draining,
 * readiness.
 *
 * <p>Must not know any other package of the agent. Start at {@link io.culvert.agent.base.Loop}.
 */
@NullMarked
package io.culvert.agent.base;

import org.jspecify.annotations.NullMarked;
