/**
 * The kernel calls that Java cannot make: sockets in a pod's network namespace, their original destination, descriptors passed
 * between processes, splice.
 *
 * <p>It must not know what the sockets are for: no protocol, no policy, no Netty, no logging.
 *
 * <p>Start at {@link io.culvert.shim.SocketFactory}.
 */
@NullMarked
package io.culvert.shim;

import org.jspecify.annotations.NullMarked;
