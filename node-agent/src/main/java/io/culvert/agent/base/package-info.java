/**
 * The few things every part of the agent stands on: time, invariants, draining, readiness.
 *
 * <p>Must not know any other package of the agent, nor Netty. Start at {@link io.culvert.agent.base.Drain}.
 */
@NullMarked
package io.culvert.agent.base;

import org.jspecify.annotations.NullMarked;
