/**
 * How the part of an agent that sees pods come and go tells the part that proxies them: both ends as state machines.
 *
 * <p>Must not know sockets, file descriptors' handling or pods' proxies. Start at {@link
 * io.culvert.protocol.zds.WorkloadEvent}.
 */
@NullMarked
package io.culvert.protocol.zds;

import org.jspecify.annotations.NullMarked;
