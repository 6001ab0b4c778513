/**
 * HBONE: HTTP/2 CONNECT streams as a state machine for both roles, and the headers that describe a carried connection.
 *
 * <p>It must not know sockets, TLS, threads, clocks, workload records or policy. Start at {@link
 * io.culvert.protocol.hbone.HboneSession}.
 */
@NullMarked
package io.culvert.protocol.hbone;

import org.jspecify.annotations.NullMarked;
