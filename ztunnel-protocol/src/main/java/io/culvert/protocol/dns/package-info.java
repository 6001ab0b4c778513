/**
 * DNS messages as far as a proxy in front of a pod has to understand them: what is asked, what is answered,
 * which answer belongs to which question, and for how long.
 *
 * <p>Must not know sockets, services or where an answer comes from. Start at {@link io.culvert.protocol.dns.DnsRequest}.
 */
@NullMarked
package io.culvert.protocol.dns;

import org.jspecify.annotations.NullMarked;
