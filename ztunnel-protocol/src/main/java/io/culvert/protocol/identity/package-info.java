/**
 * SPIFFE identities, parsed once into values.
 *
 * <p>Must not know certificates' encodings, keys or clocks. Start at {@link io.culvert.protocol.identity.SpiffeId}.
 */
@NullMarked
package io.culvert.protocol.identity;

import org.jspecify.annotations.NullMarked;
