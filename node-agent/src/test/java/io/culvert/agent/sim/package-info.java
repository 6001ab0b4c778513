/** A network in virtual time, decided by a seed: loop, sockets, applications. */
@NullMarked
package io.culvert.agent.sim;

import org.jspecify.annotations.NullMarked;
