/** A control plane and authority for tests: a real gRPC server that behaves as istiod does towards a node agent. */
@NullMarked
package io.culvert.agent.fakeplane;

import org.jspecify.annotations.NullMarked;
