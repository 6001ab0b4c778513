/**
 * L4 authorization policies and their evaluation.
 *
 * <p>Must not know connections, snapshots or metrics: facts in, decision out. Start at {@link
 * io.culvert.protocol.policy.Authorizer}.
 */
@NullMarked
package io.culvert.protocol.policy;

import org.jspecify.annotations.NullMarked;
