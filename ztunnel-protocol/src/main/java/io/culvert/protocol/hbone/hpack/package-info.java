/**
 * HPACK, the header compression of HTTP/2 (RFC 7541): a complete decoder and a deliberately plain encoder.
 *
 * <p>It must not know frames, streams or what any header means. Start at {@link
 * io.culvert.protocol.hbone.hpack.HpackDecoder}.
 */
@NullMarked
package io.culvert.protocol.hbone.hpack;

import org.jspecify.annotations.NullMarked;
