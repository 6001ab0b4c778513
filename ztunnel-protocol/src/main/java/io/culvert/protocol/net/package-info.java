/**
 * Internet addresses as plain 128-bit values.
 *
 * <p>Must not know names, resolvers or sockets. Start at {@link io.culvert.protocol.net.IpAddress}.
 */
@NullMarked
package io.culvert.protocol.net;

import org.jspecify.annotations.NullMarked;
