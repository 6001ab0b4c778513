/**
 * The data path of one pod: three listeners, and what becomes of every connection that they accept. Each kind of
 * connection is one class with the same five steps: identify, decide, open, relay, close.
 *
 * <p>Must not know where snapshots, certificates and pods come from. Start at {@link io.culvert.agent.proxy.PodProxy}.
 */
@NullMarked
package io.culvert.agent.proxy;

import org.jspecify.annotations.NullMarked;
