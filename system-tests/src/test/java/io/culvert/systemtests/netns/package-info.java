/**
 * The whole agent in network namespaces: real kernel, real redirect rules, ordinary programs as applications. The names of
 * tests are topologies and behaviours.
 *
 * <p>Must not know the agent's insides. Start at {@link io.culvert.systemtests.netns.TopologyNetnsIT}.
 */
@NullMarked
package io.culvert.systemtests.netns;

import org.jspecify.annotations.NullMarked;
