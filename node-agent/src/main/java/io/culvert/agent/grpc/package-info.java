/**
 * gRPC channels to the servers of the mesh: whom to trust there, what to prove oneself with, and how long to wait.
 *
 * <p>Must not know what is said over them. Start at {@link io.culvert.agent.grpc.ServerLink}.
 */
@NullMarked
package io.culvert.agent.grpc;

import org.jspecify.annotations.NullMarked;
