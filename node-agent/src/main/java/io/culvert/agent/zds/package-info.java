/**
 * Both ends of the socket at which the part of a node that sees pods come and go hands them over to the part that serves them.
 *
 * <p>Must not know how pods are served, captured or found. Start at {@link io.culvert.agent.zds.ZdsClient}.
 */
@NullMarked
package io.culvert.agent.zds;

import org.jspecify.annotations.NullMarked;
