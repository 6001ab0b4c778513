/**
 * How the agent speaks TLS, wherever it does: versions, cipher suites, groups, and what it never does.
 *
 * <p>Must not know who speaks to whom, nor whom they trust. Start at {@link io.culvert.agent.tls.TlsProfile}.
 */
@NullMarked
package io.culvert.agent.tls;

import org.jspecify.annotations.NullMarked;
