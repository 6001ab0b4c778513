/**
 * The agent's certificates: keys and requests made here, signed elsewhere, renewed in time, and the verification of
 * peers.
 *
 * <p>Must not know where certificates are used, nor which authority signs them. Start at {@link
 * io.culvert.agent.certs.CertificateStore}.
 */
@NullMarked
package io.culvert.agent.certs;

import org.jspecify.annotations.NullMarked;
