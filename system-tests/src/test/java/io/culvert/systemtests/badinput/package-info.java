/**
 * Peers, servers and applications that break every rule, against real agents in network namespaces; and the bystanders that
 * must not notice.
 *
 * <p>Must not know the inside of the agent: what happened is read from the wire, from the metrics and from /proc. Start at {@link
 * io.culvert.systemtests.badinput.HostilePeer}.
 */
@NullMarked
package io.culvert.systemtests.badinput;

import org.jspecify.annotations.NullMarked;
