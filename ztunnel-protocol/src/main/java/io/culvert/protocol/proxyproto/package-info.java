/**
 * The PROXY protocol, version 2, as written towards applications that ask for it.
 *
 * <p>Must not know connections. Start at {@link io.culvert.protocol.proxyproto.ProxyHeaderV2}.
 */
@NullMarked
package io.culvert.protocol.proxyproto;

import org.jspecify.annotations.NullMarked;
