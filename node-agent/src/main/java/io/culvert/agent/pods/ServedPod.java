package io.culvert.agent.pods;

import io.culvert.agent.proxy.ServingProxy;
import org.jspecify.annotations.Nullable;

/**
 * A wanted pod and what has become of it.
 *
 * @param wanted what is wanted
 * @param proxy its proxy, null while there is none
 * @param problem why it is not served, empty when it is
 */
public record ServedPod(WantedPod wanted, @Nullable ServingProxy proxy, String problem) {}
