/** Tests of HBONE sessions against themselves, an independent HTTP/2 peer and hostile octets. */
@NullMarked
package io.culvert.protocol.hbone;

import org.jspecify.annotations.NullMarked;
