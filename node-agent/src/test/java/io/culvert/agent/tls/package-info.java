/** How the agent speaks TLS, seen from outside: what its first words say. Start at {@link io.culvert.agent.tls.Hello}. */
@NullMarked
package io.culvert.agent.tls;

import org.jspecify.annotations.NullMarked;
