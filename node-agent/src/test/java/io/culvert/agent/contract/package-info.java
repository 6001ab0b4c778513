/**
 * The data path on real sockets, loops and TLS, under one contract for every kind of far end. Start at {@link
 * io.culvert.agent.contract.RelayContract}.
 */
@NullMarked
package io.culvert.agent.contract;

import org.jspecify.annotations.NullMarked;
