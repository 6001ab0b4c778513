/**
 * The mesh's resources between their wire messages and records, and the client's half of a delta xDS stream.
 *
 * <p>Must not know transports, tokens, retries or where records are kept. Start at {@link
 * io.culvert.protocol.xds.DeltaSession}.
 */
@NullMarked
package io.culvert.protocol.xds;

import org.jspecify.annotations.NullMarked;
