/**
 * Pods that another node agent hands over, and their names: the agent as the serving half beside somebody else's CNI plugin.
 *
 * <p>Must not know the agent's insides. Start at {@link io.culvert.systemtests.handover.ZdsNetnsIT}.
 */
@NullMarked
package io.culvert.systemtests.handover;

import org.jspecify.annotations.NullMarked;
