/** Tests of HPACK by the RFC's own vectors, an independent implementation and hostile blocks. */
@NullMarked
package io.culvert.protocol.hbone.hpack;

import org.jspecify.annotations.NullMarked;
