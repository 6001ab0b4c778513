/**
 * The mesh's certificate authority, asked over gRPC.
 *
 * <p>Must not know what certificates are for. Start at {@link io.culvert.agent.ca.IstioCaClient}.
 */
@NullMarked
package io.culvert.agent.ca;

import org.jspecify.annotations.NullMarked;
