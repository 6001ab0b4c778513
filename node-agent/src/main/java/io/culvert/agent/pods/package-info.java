/**
 * Which pods of this node are served: proxies and redirect rules are made and unmade until they match what is wanted.
 *
 * <p>Must not know who says what is wanted, nor how rules are written. Start at {@link io.culvert.agent.pods.LocalPods}.
 */
@NullMarked
package io.culvert.agent.pods;

import org.jspecify.annotations.NullMarked;
