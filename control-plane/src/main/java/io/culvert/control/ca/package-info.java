/**
 * The embedded certificate authority: one directory holds its state, several agents of one mesh share it.
 *
 * <p>Must not know workloads' private keys, which never leave the agent, nor when a certificate is renewed. Start at
 * {@link io.culvert.control.ca.Issuer}.
 */
@NullMarked
package io.culvert.control.ca;

import org.jspecify.annotations.NullMarked;
