/**
 * What the agent shows and lets an operator do over HTTP: readiness, metrics, its state, its log levels, its end.
 *
 * <p>Must not know the data path: it reads views that are given to it. Start at {@link
 * io.culvert.agent.admin.AdminServer}.
 */
@NullMarked
package io.culvert.agent.admin;

import org.jspecify.annotations.NullMarked;
