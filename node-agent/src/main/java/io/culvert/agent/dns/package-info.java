/**
 * The DNS server that a pod's queries are redirected to: addresses of the mesh's services are answered here, everything else is
 * passed on to the node's own servers, whose answers are remembered for as long as they say.
 *
 * <p>Must not know how queries are redirected, nor how the mesh is learned. Start at {@link io.culvert.agent.dns.DnsProxy}.
 */
@NullMarked
package io.culvert.agent.dns;

import org.jspecify.annotations.NullMarked;
