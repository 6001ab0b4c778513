/** Tests of framing against an independent reader, in pieces of any size. */
@NullMarked
package io.culvert.protocol.hbone.frame;

import org.jspecify.annotations.NullMarked;
