/**
 * The sans-IO core: bytes to records and back, sessions as state machines.
 *
 * <p>Must not know sockets, channels, threads, clocks or logging. Start at {@link
 * io.culvert.protocol.workload.Workload}.
 */
@NullMarked
package io.culvert.protocol;

import org.jspecify.annotations.NullMarked;
