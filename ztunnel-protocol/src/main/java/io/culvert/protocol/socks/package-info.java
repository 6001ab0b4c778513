/**
 * The server's side of a SOCKS5 negotiation: what a client asks for, and what it is answered.
 *
 * <p>Must not know sockets, names or how a destination is reached. Start at {@link io.culvert.protocol.socks.SocksNegotiation}.
 */
@NullMarked
package io.culvert.protocol.socks;

import org.jspecify.annotations.NullMarked;
