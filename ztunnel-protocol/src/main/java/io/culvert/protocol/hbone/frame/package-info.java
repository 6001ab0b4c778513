/**
 * HTTP/2 frames (RFC 9113, sections 4 and 6): octets to frames and back, with the rules that need no stream state.
 *
 * <p>It must not know streams, flow-control windows or header meanings. Start at {@link
 * io.culvert.protocol.hbone.frame.FrameParser}.
 */
@NullMarked
package io.culvert.protocol.hbone.frame;

import org.jspecify.annotations.NullMarked;
